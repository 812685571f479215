"""Define grids for the corpus of replies, and print them as models do.

Nothing here uses the reader that is tested.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

Rows = list[list[int]]


def board(text: str) -> Rows:
    return [[int(cell) for cell in line] for line in text.split()]


SUDOKU = board("534678912 672195348 198342567 859761423 426853791 713924856 961537284 287419635 345286179")
SUDOKU_ASKED = board(
    "530070000 600195000 098000060 800060003 400803001 700020006 060000280 000419005 000080079"
)
SUDOKU_WRONG = board(
    "534678912 672195348 198342567 859761423 426853791 713924856 961537284 287419635 345286197"
)
MINI = board("1234 3412 2143 4321")
MINI_ASKED = board("1030 0402 2003 0320")
MINI_WRONG = board("1234 3412 2143 4312")
MAZE = board("0000000 0244410 0101410 0101430 0000000")
MAZE_ASKED = board("0000000 0211110 0101110 0101130 0000000")
MAZE_WRONG = board("0000000 0211110 0401110 0444430 0000000")
LIFE = board("010011 100110 001000 011100 000010 110001")
LIFE_ASKED = board("110001 000110 101010 011000 000110 100001")
LIFE_WRONG = board("010011 100110 001000 011100 000010 110000")
ARC_ASKED = board("308 030 803")
ARC = board("33 00 88 30 03")
ARC_WRONG = board("33 00 88 30 30")
PALE = [[0, 10, 2], [11, 3, 12]]
"""A grid with codes of two digits."""


def turned(grid: Rows) -> Rows:
    return [list(column) for column in zip(*grid, strict=True)]


def compact(grid: Rows) -> str:
    return json.dumps(grid, separators=(",", ":"))


def spaced_json(grid: Rows) -> str:
    return json.dumps(grid)


def indented(grid: Rows) -> str:
    return "[\n" + ",\n".join("  " + json.dumps(row) for row in grid) + "\n]"


def one_a_line(grid: Rows) -> str:
    return json.dumps(grid, indent=2)


def digits(grid: Rows) -> str:
    return "\n".join("".join(map(str, row)) for row in grid)


def spaced(grid: Rows, by: str = " ") -> str:
    return "\n".join(by.join(map(str, row)) for row in grid)


def commas(grid: Rows) -> str:
    return spaced(grid, ",")


def lists(grid: Rows) -> str:
    return "\n".join(map(str, grid))


def lists_with_commas(grid: Rows) -> str:
    return ",\n".join(map(str, grid))


def bullets(grid: Rows, mark: str = "-") -> str:
    return "\n".join(f"{mark} {' '.join(map(str, row))}" for row in grid)


def bulleted_lists(grid: Rows) -> str:
    return "\n".join(f"* {row}" for row in grid)


def yaml(grid: Rows) -> str:
    return "\n".join("- " + "\n  ".join(f"- {cell}" for cell in row) for row in grid)


def quoted(grid: Rows) -> str:
    return "\n".join("> " + " ".join(map(str, row)) for row in grid)


def named_rows(grid: Rows, form: str = "Row {}: {}") -> str:
    return "\n".join(form.format(n, " ".join(map(str, row))) for n, row in enumerate(grid, 1))


def named_lists(grid: Rows) -> str:
    return "\n".join(f"Row {n}: {row}" for n, row in enumerate(grid, 1))


def variables(grid: Rows) -> str:
    return "\n".join(f"r{n} = {row}" for n, row in enumerate(grid, 1))


def numpy_print(grid: Rows) -> str:
    lines = ["[" + " ".join(map(str, row)) + "]" for row in grid]
    return "[" + "\n ".join(lines) + "]"


def numpy_array(grid: Rows) -> str:
    return "array([" + ",\n       ".join(map(str, grid)) + "], dtype=uint8)"


def matlab(grid: Rows) -> str:
    return "[" + "; ".join(" ".join(map(str, row)) for row in grid) + "]"


def bmatrix(grid: Rows, name: str = "bmatrix") -> str:
    body = r" \\ ".join(" & ".join(map(str, row)) for row in grid)
    return rf"\begin{{{name}}} {body} \end{{{name}}}"


def latex_array(grid: Rows) -> str:
    body = " \\\\\n\\hline\n".join(" & ".join(map(str, row)) for row in grid)
    return "\\begin{array}{" + "|".join("c" * len(grid[0])) + "}\n" + body + "\n\\end{array}"


def tuples(grid: Rows) -> str:
    return str(tuple(tuple(row) for row in grid))


def list_of_tuples(grid: Rows) -> str:
    return str([tuple(row) for row in grid])


def strings(grid: Rows) -> str:
    return json.dumps(["".join(map(str, row)) for row in grid])


def spaced_strings(grid: Rows) -> str:
    return json.dumps([" ".join(map(str, row)) for row in grid])


def quoted_cells(grid: Rows) -> str:
    return json.dumps([[str(cell) for cell in row] for row in grid])


def commented(grid: Rows, mark: str = "#") -> str:
    lines = [f"  {row}," for row in grid]
    lines[0] += f"  {mark} top row, done"
    lines[-1] = lines[-1].rstrip(",")
    return "[\n" + "\n".join(lines) + "\n]"


def pipes(grid: Rows) -> str:
    return "\n".join(" | ".join(map(str, row)) for row in grid)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def table(grid: Rows) -> str:
    """Print a table with the first row as its head, as models often do."""
    lines = [_line(row) for row in grid]
    return "\n".join([lines[0], "|" + "---|" * len(grid[0]), *lines[1:]])


def headed_table(grid: Rows) -> str:
    head = [f"c{n}" for n in range(1, len(grid[0]) + 1)]
    return "\n".join([_line(head), "|" + "---|" * len(head), *map(_line, grid)])


def indexed_table(grid: Rows) -> str:
    head = ["", *range(1, len(grid[0]) + 1)]
    rows = [_line([f"**{n}**", *row]) for n, row in enumerate(grid, 1)]
    return "\n".join([_line(head), "|" + ":-:|" * len(head), *rows])


def html(grid: Rows) -> str:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in grid)
    return "<table>\n" + "\n".join(f"  <tr>{row}</tr>" for row in cells) + "\n</table>"


def full_width(grid: Rows) -> str:
    return digits(grid).translate(str.maketrans("0123456789", "０１２３４５６７８９"))


def keycaps(grid: Rows) -> str:
    return "\n".join("".join(f"{cell}\ufe0f\u20e3" for cell in row) for row in grid)


def bands(grid: Rows, tall: int, between: str = "", by: str = " ") -> str:
    parts = [spaced(grid[at : at + tall], by) for at in range(0, len(grid), tall)]
    return f"\n{between}\n".join(parts)


def _boxes(row: list[int], wide: int, by: str, bar: str) -> str:
    return bar.join(by.join(map(str, row[at : at + wide])) for at in range(0, len(row), wide))


def barred(grid: Rows, tall: int, wide: int, rule: str) -> str:
    """Print a Sudoku with bars between boxes and a rule between bands."""
    lines: list[str] = []
    for at, row in enumerate(grid):
        if at and at % tall == 0:
            lines.append(rule)
        lines.append(_boxes(row, wide, " ", " | "))
    return "\n".join(lines)


def gapped(grid: Rows, tall: int, wide: int) -> str:
    lines: list[str] = []
    for at, row in enumerate(grid):
        if at and at % tall == 0:
            lines.append("")
        lines.append(_boxes(row, wide, " ", "  "))
    return "\n".join(lines)


def grouped(grid: Rows, wide: int, bar: str = " ") -> str:
    """Print the digits of a box joined: `534 678 912`."""
    return "\n".join(_boxes(row, wide, "", bar) for row in grid)


def boxed(grid: Rows, tall: int, wide: int) -> str:
    rule = "+" + ("-" * (2 * wide + 1) + "+") * (len(grid[0]) // wide)
    lines = [rule]
    for at, row in enumerate(grid, 1):
        lines.append("| " + _boxes(row, wide, " ", " | ") + " |")
        if at % tall == 0:
            lines.append(rule)
    return "\n".join(lines)


def drawn(grid: Rows, tall: int, wide: int) -> str:
    """Print a grid with the characters for drawing boxes."""
    bar = "═" * (2 * wide + 1)
    count = len(grid[0]) // wide
    lines = ["╔" + "╦".join([bar] * count) + "╗"]
    for at, row in enumerate(grid, 1):
        lines.append("║ " + _boxes(row, wide, " ", " ║ ") + " ║")
        if at % tall == 0 and at < len(grid):
            lines.append("╠" + "╬".join([bar] * count) + "╣")
    lines.append("╚" + "╩".join([bar] * count) + "╝")
    return "\n".join(lines)


def thin(grid: Rows) -> str:
    """Print a grid with a box around every cell."""
    rule = "─".join("───" for _ in grid[0])
    lines = ["┌" + rule.replace("────", "───┬") + "┐"]
    for at, row in enumerate(grid, 1):
        lines.append("│ " + " │ ".join(map(str, row)) + " │")
        if at < len(grid):
            lines.append("├" + "┼".join("───" for _ in row) + "┤")
    lines.append("└" + "┴".join("───" for _ in grid[0]) + "┘")
    return "\n".join(lines)


def fenced(text: str, language: str = "") -> str:
    return f"```{language}\n{text}\n```"


def whole(grid: Rows) -> str:
    """Print all cells in one line, row after row."""
    return "".join(str(cell) for row in grid for cell in row)
