"""Remove the reasoning of a reply, because what a model thinks is never its answer."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

CUT: Final = "the reply ends inside its reasoning: it gives no answer"

_NAMES: Final = (
    r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|scratch_?pad|analysis|reflect(?:ion)?|rationale|cot|deliberat(?:e|ion)|"
    r"chain_of_thought|inner_?(?:monologue|thoughts?)|monologue|brainstorm(?:ing)?)"
    r"(?:_(?:content|process|block|trace|steps))?"
)
_PLANS: Final = r"plan(?:ning)?|scratch|workings?|(?:tool|function)_(?:response|result|output)s?"
"""Names of a plan and of the output of a tool. They count only in tags, not in square brackets."""
_NAME: Final = rf"(?:[a-z]{{1,12}}[:_])?{_NAMES}|{_PLANS}"
_TAG: Final = re.compile(
    # Tags, brackets and marks of chat templates around a name
    rf"<\|?(?:(?P<begin>begin|start)|end)_(?:of_)?(?P<bar>{_NAMES})\|?>"
    rf"|<\|?(?P<bar_first>{_NAMES})_(?:(?P<begin_last>begin|start)|end)\|?>"
    rf"|<\|?(?P<close>/)?(?P<tag>{_NAME})(?:[ \t][^<>\n]{{0,200}})?\|?>"
    rf"|\[(?P<square_close>/)?(?P<square>{_NAMES})\]"
    rf"|◁(?P<kimi_close>/)?(?P<kimi>{_NAMES})▷"
    # Channels
    r"|<\|?channel\|?>\s{0,9}(?P<channel>analysis|commentary|thought)"
    r"|(?P<channel_end><\|channel\|>\s{0,9}final\b[^<\n]{0,99}(?:<\|message\|>)?|<channel\|>|<\|end\|>"
    r"|(?<=[a-z.!?)\]])assistantfinal)"
    r"|(?P<bare>\Aanalysis(?=[A-Z]))"  # a channel of which a decoder dropped the marks
    # Blocks of Markdown and HTML
    rf"|^[ \t]*```[ \t]*(?P<fence>{_NAMES})[ \t]*$"
    rf"|(?P<details><details\b[^<>\n]{{0,200}}(?:reasoning|thinking)[^<>\n]{{0,200}}>"
    rf"|<details[^<>\n]{{0,200}}>\s{{0,9}}<summary>\W{{0,9}}(?:thought|thinking|reasoning))"
    r"|(?P<details_end></details>)"
    r"|(?P<tick>^[ \t]*```[ \t]*$)"
    r"|(?P<comment><!--)|(?P<comment_end>-->)"
    # Reasoning that a chat program prints in a terminal
    r"|(?P<aloud>\A\s*+Thinking\.\.\.[ \t]*$)|(?P<aloud_end>^[ \t]*\.\.\.done thinking\.?)",
    re.IGNORECASE | re.MULTILINE,
)
_STRUCK: Final = re.compile(
    r"(?<!~)~~(?![~\s])(?:(?!\n\n|~~).)+~~(?!~)"
    r"|<(?P<tag>del|strike)\b[^<>]{0,99}>(?:(?!</?(?P=tag)\b).)*</(?P=tag)>"
    r"|\\{1,2}(?:sout|x?cancel|bcancel)\{[^{}]*\}",
    re.IGNORECASE | re.DOTALL,
)
"""Text that a reply crosses out."""
_ASKS: Final = (
    r"(?:<\|(?:im_start|start_header_id)\|>\s*|<\|(?=\w+\|>)|<start_of_turn>|^[ \t]*(?:#{2,3}[ \t]*|\*\*)?)"
    r"(?:system|user|human|instruction)(?:<\|end_header_id\|>|\|>|(?:\*\*)?[ \t]*:|[ \t]*$)|\[INST\]"
)
_OTHER_TURN: Final = re.compile(_ASKS, re.IGNORECASE | re.MULTILINE)
"""The beginning of a turn of the one who asks."""
_OWN_TURN: Final = re.compile(
    r"<\|(?:im_start|start_header_id)\|>\s*assistant|<\|assistant\|>|<start_of_turn>model|\[/INST\]"
    r"|^[ \t]*(?:#{2,3}[ \t]*|\*\*)?(?:assistant|response)(?:\*\*)?[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
"""The beginning of a turn of the model."""
_END_OF_TURN: Final = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|return|endoftext|end_of_text|call)\|>|</s>|<end_of_turn>|<eos>"
)
_MARK: Final = re.compile(r"<\|[\w/]{1,40}\|>(?:assistant\b)?|</?s>|<(?:start_of_turn|bos)>(?:model\b)?")
"""A mark of a chat template."""
_QUOTES: Final = "`\"'"
_PAIRED: Final = ("fence", "details", "comment", "plan")
"""Families of marks of which a closing one counts only after an opening one."""


def without_reasoning(text: str) -> str | None:
    """Return the reply without its reasoning, or None if it ends inside its reasoning.

    A closing mark without an opening one ends a reasoning that began in the prompt. All text before the mark
    is then reasoning.
    """
    kept: list[str] = []
    open_marks: list[str] = []
    counts: Counter[str] = Counter()
    at = 0
    opened_at = -1
    for mark in _TAG.finditer(text):
        name, closes = _meaning(mark)
        if _is_quoted(text, mark) or (closes and name in _PAIRED and not counts[name]):
            continue

        # Open a mark, unless it directly follows another opening one, or drop what is before a closing one
        if not closes and not (open_marks and not text[opened_at : mark.start()].strip()):
            if not open_marks:
                kept.append(text[at : mark.start()])
            open_marks.append(name)
            counts[name] += 1
        elif closes and not open_marks and mark.group().lower() != "<|end|>":
            kept.clear()

        # Close a mark, and those inside it
        while closes and counts[name]:
            last = open_marks.pop()
            counts[last] -= 1
            if last == name:
                break
        if not open_marks:
            at = mark.end()
        opened_at = mark.end()
    if open_marks:
        return None
    return _turn(_STRUCK.sub("", "\n".join([*kept, text[at:]])))


def _meaning(mark: re.Match[str]) -> tuple[str, bool]:
    """Return the family of a mark, and whether it closes."""
    parts = mark.groupdict()
    if parts["channel"] or parts["bare"]:
        return "channel", False
    if parts["channel_end"]:
        return "channel", True
    if parts["fence"] or parts["tick"]:
        return "fence", bool(parts["tick"])
    if parts["details"] or parts["details_end"]:
        return "details", bool(parts["details_end"])
    if parts["comment"] or parts["comment_end"]:
        return "comment", bool(parts["comment_end"])
    if parts["aloud"] or parts["aloud_end"]:
        return "aloud", bool(parts["aloud_end"])
    if parts["bar"] or parts["bar_first"]:
        name = parts["bar"] or parts["bar_first"]
        return _family(name), not (parts["begin"] or parts["begin_last"])
    name = parts["tag"] or parts["square"] or parts["kimi"]
    return _family(name), bool(parts["close"] or parts["square_close"] or parts["kimi_close"])


def _family(name: str) -> str:
    """Return one name for the spellings that models mix up, such as think, thinking and thought."""
    name = name.lower().rpartition(":")[2]
    if re.fullmatch(_PLANS, name):
        return "plan"
    return "think" if "think" in name or "thought" in name else name


def _is_quoted(text: str, mark: re.Match[str]) -> bool:
    """Return whether a mark is in quotes, because the reply only mentions it."""
    before, after = text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]
    return before == after and before != "" and before in _QUOTES


def _turn(text: str) -> str:
    """Return the model's own turn, without the marks of a chat template.

    This is the last own turn if the text begins with a turn of the one who asks, otherwise the first.
    """
    other = _OTHER_TURN.search(text)
    if other and not _MARK.sub("", text[: other.start()]).strip():
        own = [turn.end() for turn in _OWN_TURN.finditer(text)]
        text = text[own[-1] :] if own else text
    elif other:
        text = text[: other.start()]
    for end in _END_OF_TURN.finditer(text):
        if text[: end.start()].strip():
            text = text[: end.start()]
            break
    return _MARK.sub("\n", text)
