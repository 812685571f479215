"""Rewrite grids of LaTeX, HTML, YAML and Matlab as nested lists or as lines with bars."""

from __future__ import annotations

import re
from typing import Final

# --- LaTeX

_MATRIX: Final = re.compile(
    # The beginning, the body, and the end, which may be cut off
    r"\\{1,2}begin\{(?P<name>[bBpvV]?matrix\*?|smallmatrix|array|tabular|cases)\}(?:\[[^\[\]\n]{0,20}\])?"
    r"(?P<body>.*?)(?P<end>\\{1,2}end\{(?P=name)\}|\Z)",
    re.DOTALL,
)
_COLUMNS: Final = re.compile(r"\s*+\{[lcr|@!>{}\s*\d]{0,400}\}")
"""The columns that an array declares before its body."""
_LATEX_DOTS: Final = re.compile(r"\\{1,2}(?:[cvdl]?dots\w?|hdots(?:for\{\d+\})?)(?![a-zA-Z])")
_LATEX_RULE: Final = re.compile(r"\\{1,2}(?:hline|toprule|midrule|bottomrule|cline\{[\d-]*\})")
_LATEX_WORD: Final = re.compile(
    r"\\{1,2}(?:text\w{0,8}|math\w{2,8}|underline|bm|boldsymbol)\{([^{}\n]{0,80})\}"
)
_LATEX_COLOUR: Final = re.compile(r"\\{1,2}(?:text)?color\{\w{1,20}\}")
_LATEX_SPACE: Final = re.compile(
    r"\\{1,2}(?:q?quad|displaystyle|left|right|[bB]igg?[lr]?)(?![a-zA-Z])|\\[,;! ]|(?<!\\)\$"
)
_LATEX_FENCE: Final = re.compile(r"\\{1,2}[\[\]()]")
"""The delimiters of a formula."""
_LATEX_BREAK: Final = re.compile(r"\\{2,4}(?:\[[^\[\]\n]{0,12}\])?")
"""The end of a row, perhaps with the height of a gap."""

# --- HTML

_HEAD_ROW: Final = re.compile(
    r"<tr\b[^<>]*>((?:(?!<td\b|</tr\b|<tr\b).)*)</tr\s*>", re.IGNORECASE | re.DOTALL
)
_CELL: Final = re.compile(r"(?:(?<!\s)\s++)?<t[dh]\b[^<>]*>\s*", re.IGNORECASE)
_ROW_END: Final = re.compile(r"(?:(?<!\s)\s++)?</tr\s*>", re.IGNORECASE)
_BEFORE_BAR: Final = re.compile(r"(?<!\s)\s++(?=\|)")
_BREAK_TAG: Final = re.compile(
    r"<br\s*/?>|<(?:row|line)\b[^<>]*>|</?(?:p|div|li|ul|ol|pre|h[1-6])\b[^<>]*>", re.IGNORECASE
)
_TABLE_TAG: Final = re.compile(r"</?(?:table|tbody|thead|tfoot|tr)\b[^<>]*>", re.IGNORECASE)
_SMALL_TAG: Final = re.compile(
    r"</?(?:b|i|u|em|strong|code|span|sub|sup|font|t[dh]|kbd|mark|small|row|line)\b[^<>]*>", re.IGNORECASE
)
"""Tags that change the look of text, without a meaning for a grid."""

# --- Other notations

_FLAT: Final = re.compile(r"\[([0-9+.,;\s-]*+)\]")
"""A list of numbers, which may hold several rows."""
_SEMICOLONS: Final = re.compile(r"(?<![\w.\[\]-])[0-9][0-9 \t,;]*+")
"""Rows in one line, with a semicolon between two rows."""
_SLASHES: Final = re.compile(r"(?<![\w./-])[0-9]{3,}+(?:/[0-9]{3,}+)++(?![\w./-])")
"""Rows of joined digits in one line, with a slash between two rows."""
_NEXT_ROW: Final = re.compile(r"[;,.][ \t]++(?=(?:row|r)[ _]?[0-9]{1,4}[ \t]?[:=])", re.IGNORECASE)
"""What separates two named rows in one line."""
_YAML_CELL: Final = re.compile(
    r"(?P<row>[ \t]*-[ \t]+-[ \t]+)(?P<first>[0-9]{1,3})[ \t]*|[ \t]+-[ \t]+(?P<next>[0-9]{1,3})[ \t]*"
)


def unmarked(text: str) -> str:
    """Return the text with grids of other notations as nested lists, or as lines with bars."""
    if "\\" in text or "$" in text:
        text = _latex(text)
    if "<" in text:
        text = _html(text)
    text = text.replace("&nbsp;", " ").replace("&#124;", "|")
    if ";" in text or "[" in text:
        text = _SEMICOLONS.sub(_semicolons, _FLAT.sub(_flat, text))
    if "/" in text:
        text = _SLASHES.sub(lambda rows: _semicolons_of(rows, "/"), text)
    text = _NEXT_ROW.sub("\n", text)
    return _yaml(text) if "- -" in text else text


def _latex(text: str) -> str:
    """Rewrite matrices of LaTeX as nested lists, and remove other commands."""
    text = _LATEX_COLOUR.sub("", text)
    text = _LATEX_WORD.sub(r"\1", text)
    text = _MATRIX.sub(_matrix, text)
    text = _LATEX_SPACE.sub(" ", text)
    return _LATEX_DOTS.sub("…", _LATEX_FENCE.sub(" ", text))


def _matrix(match: re.Match[str]) -> str:
    """Return a matrix of LaTeX as nested lists, left open if its end is cut off."""
    body = match["body"]
    if match["name"] in ("array", "tabular"):
        columns = _COLUMNS.match(body)
        body = body[columns.end() :] if columns else body
    body = _LATEX_RULE.sub(" ", _LATEX_DOTS.sub("…", body))
    rows = _LATEX_BREAK.split(body.replace("{", " ").replace("}", " "))
    if not rows[-1].strip():
        rows.pop()
    lists = ",".join("[" + _cells(row) + "]" for row in rows)
    return f" [{lists}] " if match["end"] else f" [{lists}"


def _cells(row: str) -> str:
    """Return the cells of a row of LaTeX with commas between them, and `_` for an empty one."""
    return ",".join(cell.strip() or "_" for cell in row.split("&"))


def _html(text: str) -> str:
    """Rewrite tables of HTML as lines with bars, and remove other tags."""
    text = _BREAK_TAG.sub("\n", text)
    if "<t" in text.lower():
        text = _HEAD_ROW.sub(_head_row, text)
        text = _ROW_END.sub(" |\n", _CELL.sub("| ", text))
        text = _TABLE_TAG.sub("\n", text)
        text = _BEFORE_BAR.sub(lambda gap: "\n" if "\n" in gap[0] else gap[0], text)
    return _SMALL_TAG.sub(" ", text)


def _head_row(match: re.Match[str]) -> str:
    """Return a row of `<th>` cells with a rule below it, as in Markdown. Other rows stay as they are."""
    if "<th" not in match[1].lower():
        return match[0]
    return f"{match[0]}\n|---|---|\n"


def _flat(match: re.Match[str]) -> str:
    """Return `[1 2; 2 1]` as nested lists, and also rows without commas on lines of their own."""
    body = match[1]
    if ";" in body:
        rows = body.strip().rstrip(";").split(";")
    elif "\n" in body.strip() and "," not in body and not _is_nested(match):
        rows = body.strip().split("\n")
    else:
        return match[0]
    return "[" + ",".join(f"[{row.strip()}]" for row in rows) + "]"


def _is_nested(match: re.Match[str]) -> bool:
    """Return whether a list is a row of another list. NumPy prints a long row on several lines."""
    before = match.string[max(0, match.start() - 8) : match.start()].rstrip()
    after = match.string[match.end() : match.end() + 8].lstrip()
    return before.endswith(("[", "]", ",")) or after.startswith(("[", "]", ","))


def _semicolons(match: re.Match[str]) -> str:
    """Return `1 2; 2 1` as nested lists, if its rows have the same length."""
    if ";" not in match[0] or re.match(r"[\w.\]-]", match.string[match.end() : match.end() + 1]):
        return match[0]
    return _semicolons_of(match, ";")


def _semicolons_of(match: re.Match[str], by: str) -> str:
    """Return rows as nested lists, if they have the same length of at least two.

    by: the character between two rows.
    """
    rows = [re.findall(r"[0-9]+", row) for row in match[0].rstrip(f"{by} \t").split(by)]
    if all(len(row) == 1 for row in rows):  # `12;21`: a digit per cell
        rows = [list(row[0]) for row in rows]
    if len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
        return match[0]
    return _nested(rows)


def _nested(rows: list[list[str]]) -> str:
    """Return rows of cells as nested lists."""
    return "[" + ",".join("[" + ",".join(row) + "]" for row in rows) + "]"


def _yaml(text: str) -> str:
    """Rewrite lists of lists in the block style of YAML, with one cell per line, as nested lists."""
    lines: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        cell = _YAML_CELL.fullmatch(line)
        if cell and cell["row"]:
            rows.append([cell["first"]])
        elif cell and rows:
            rows[-1].append(cell["next"])
        else:
            if rows:
                lines.append(_nested(rows))
                rows = []
            lines.append(line)
    return "\n".join(lines[:-1])
