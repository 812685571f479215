"""Test the reader of replies on a corpus, and on a matrix of drafts, notations and tails.

A false acceptance is a grid that is not the answer of the reply. A false rejection is an answer that is not
read.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import cycle, islice, product

import pytest

from tests.support import reply_boards as b
from tests.support.replies import REPLIES
from tests.support.replies_varied import VARIATIONS
from tests.support.reply_boards import Rows
from vizbench.renderers.text import from_text
from vizbench.types import Answer

MOST_REJECTED = 0.01
"""The largest share of false rejections that passes."""


def read(text: str, shape: tuple[int, int] | None) -> Rows | None:
    decoded = from_text(text, shape=shape)
    return decoded.grid.tolist() if isinstance(decoded, Answer) else None


def record_rates(
    outcomes: Iterable[tuple[str, Rows | None, Rows | None]], record: Callable[[str, object], None]
) -> None:
    """Record both error rates of (text, answer, grid that was read), and fail on a false acceptance."""
    accepted: list[str] = []
    rejected: list[str] = []
    count = 0
    for text, answer, grid in outcomes:
        count += 1
        if grid is not None and grid != answer:
            accepted.append(f"{text!r} was read as {grid}")
        elif grid != answer:
            rejected.append(f"{text!r} was not read")
    record("replies", count)
    record("false acceptance rate", len(accepted) / count)
    record("false rejection rate", len(rejected) / count)
    assert not accepted, f"{len(accepted)} of {count}: {accepted[0]}"
    assert len(rejected) <= MOST_REJECTED * count, f"{len(rejected)} of {count}: {rejected[0]}"


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(REPLIES) >= 200
    assert len({reply.name for reply in REPLIES}) == len(REPLIES)


def test_the_corpus_is_read(record_property: Callable[[str, object], None]) -> None:
    record_rates(
        ((reply.text, reply.answer, read(reply.text, reply.shape)) for reply in REPLIES), record_property
    )


def test_the_variations_are_read(record_property: Callable[[str, object], None]) -> None:
    record_rates(((text, answer, read(text, (4, 4))) for text, answer in VARIATIONS), record_property)


@pytest.mark.parametrize("reply", [r for r in REPLIES if r.shape is not None], ids=lambda reply: reply.name)
def test_a_shape_never_makes_another_grid_the_answer(reply) -> None:
    """Without the shape a reply may be unclear, but no other grid of the same height becomes the answer."""
    grid = read(reply.text, None)
    if grid is not None and reply.answer is not None and len(grid) == len(reply.answer):
        assert grid == reply.answer
    if reply.answer is None:
        assert grid is None


# --- The matrix

PREFIXES: dict[str, Callable[[Rows, Rows], str]] = {
    "nothing": lambda draft, asked: "",
    "prose": lambda draft, asked: "Let me look at the rows one by one.\n\n",
    "question": lambda draft, asked: f"Input:\n{b.spaced(asked)}\n\n",
    "thought": lambda draft, asked: f"<think>Answer: {b.compact(draft)}\nor\n{b.spaced(draft)}</think>\n\n",
    "end of thought": lambda draft, asked: f"So {b.compact(draft)}, hmm.</think>",
    "labelled draft": lambda draft, asked: f"Draft:\n{b.digits(draft)}\n\n",
    "first tried": lambda draft, asked: f"I first tried {b.compact(draft)}, which breaks a rule.\n\n",
    "rejected": lambda draft, asked: f"{b.spaced(draft)}\n\nThat fails in row 2.\n\n",
    "attempt": lambda draft, asked: f"Attempt 1:\n```\n{b.commas(draft)}\n```\nNo, row 1 is off.\n\n",
    "object": lambda draft, asked: f'{{"draft": {b.compact(draft)}}}\n\n',
    "candidate": lambda draft, asked: f"A first candidate is {b.tuples(draft)}.\n\n",
    "code": lambda draft, asked: f"```python\ngrid = {b.compact(draft)}\nprint(grid)\n```\n\n",
}
LABELS = [
    "Answer:\n",
    "The solution is\n\n",
    "## Final answer\n\n",
    "**Output:**\n",
    "Here is the solved grid:\n\n",
    "Final grid:\n",
]
NOTATIONS: dict[str, Callable[[Rows], str]] = {
    "compact": b.compact,
    "spaced JSON": b.spaced_json,
    "indented": b.indented,
    "one a line": b.one_a_line,
    "fence": lambda grid: b.fenced(b.compact(grid), "json"),
    "digits": b.digits,
    "spaced": b.spaced,
    "commas": b.commas,
    "tabs": lambda grid: b.spaced(grid, "\t"),
    "fenced digits": lambda grid: b.fenced(b.digits(grid)),
    "lists": b.lists,
    "lists with commas": b.lists_with_commas,
    "bullets": b.bullets,
    "bulleted lists": b.bulleted_lists,
    "YAML": b.yaml,
    "quote": b.quoted,
    "rows": b.named_rows,
    "bold rows": lambda grid: b.named_rows(grid, "**Row {}**: {}"),
    "numbered": lambda grid: b.named_rows(grid, "{}. {}"),
    "named lists": b.named_lists,
    "variables": b.variables,
    "NumPy": b.numpy_print,
    "array": b.numpy_array,
    "Matlab": b.matlab,
    "bmatrix": lambda grid: f"$${b.bmatrix(grid)}$$",
    "array of LaTeX": lambda grid: f"\\[{b.latex_array(grid)}\\]",
    "boxed": lambda grid: f"$\\boxed{{{b.compact(grid)}}}$",
    "tuples": b.tuples,
    "list of tuples": b.list_of_tuples,
    "strings": b.strings,
    "spaced strings": b.spaced_strings,
    "quoted cells": b.quoted_cells,
    "comment": b.commented,
    "slashes": lambda grid: b.commented(grid, "//"),
    "pipes": b.pipes,
    "table": b.table,
    "headed table": b.headed_table,
    "indexed table": b.indexed_table,
    "HTML": b.html,
    "full width": b.full_width,
    "keycaps": b.keycaps,
    "bands": lambda grid: b.bands(grid, 2),
    "bars": lambda grid: b.barred(grid, 2, 3, "------+------"),
    "box": lambda grid: b.boxed(grid, 2, 3),
    "drawn": lambda grid: b.drawn(grid, 2, 3),
    "thin": b.thin,
    "apart": lambda grid: b.spaced(grid).replace("\n", "\n\n"),
    "tag": lambda grid: f"<answer>{b.compact(grid)}</answer>",
    "object": lambda grid: f'{{"answer": {b.compact(grid)}}}',
}  # fmt: skip
SUFFIXES: dict[str, Callable[[Rows, Rows], str]] = {
    "nothing": lambda grid, asked: "",
    "words": lambda grid, asked: "\n\nI am sure of it.",
    "places": lambda grid, asked: "\n\nChanged cells: [[0, 1], [2, 3], [1, 1]]",
    "places in lines": lambda grid, asked: "\n\nI changed\n[0, 1]\n[2, 3]",
    "places with values": lambda grid, asked: "\n\nFilled cells: (0, 1, 5), (2, 3, 4)",
    "columns": lambda grid, asked: f"\n\nCheck by columns:\n{b.spaced(b.turned(grid))}",
    "transposed": lambda grid, asked: f"\n\nTransposed: {b.compact(b.turned(grid))}",
    "question": lambda grid, asked: f"\n\nOriginal input:\n{b.spaced(asked)}",
    "code": lambda grid, asked: (
        f"\n\n```python\nimport numpy as np\ngrid = np.array({asked})\nprint(grid.sum())\n```"
    ),
    "rows": lambda grid, asked: f"\n\nRow 1 is {grid[0]} and row 2 is {grid[1]}, as asked.",
    "box": lambda grid, asked: (
        f"\n\nExplanation: the box {[row[:2] for row in grid[:2]]} holds each code once."
    ),
    "confidence": lambda grid, asked: "\n\nConfidence: 95\n\n42",
}
TAKEN_BACK = [
    "\n\nWait, that is wrong.\n\nCorrected answer:\n",
    "\n\nBut this violates a rule. Revised solution:\n\n",
    "\n\nOn reflection:\n\nFinal answer: ",
]
NO_ANSWER = [
    "I cannot tell.", "none", "unknown", "N/A", "?", "null", "There is no solution.", "[[1,2], ..., [2,1]]",
    "[[1,2],…", "[[1, 2], [2", "1 2 3 ...\n2 1 3 ...", "[]", "see my reasoning", "the puzzle has no solution",
    "[[?, 1], [1, ?]]", "...", "not possible",
]  # fmt: skip


def kinds(step: int):
    """Return every `step`-th triple of a prefix, a notation and a suffix."""
    return islice(product(PREFIXES.values(), NOTATIONS.values(), SUFFIXES.values()), 0, None, step)


def boards_of(seed: int) -> tuple[Rows, Rows, Rows]:
    """Return a final answer, a draft and a question: random grids of shape (4, 6)."""
    rng = random.Random(seed)

    def board() -> Rows:
        return [[rng.randrange(1, 10) for _ in range(6)] for _ in range(4)]

    return board(), board(), board()


@pytest.mark.parametrize("hinted", [True, False], ids=["with shape", "without"])
def test_the_last_grid_that_is_called_the_answer_is_it(
    hinted: bool, record_property: Callable[[str, object], None]
) -> None:
    shape = (4, 6) if hinted else None
    labels = cycle(LABELS)

    def outcomes():
        for n, (prefix, notation, suffix) in enumerate(kinds(5)):
            final, draft, asked = boards_of(n)
            text = prefix(draft, asked) + next(labels) + notation(final) + suffix(final, asked)
            yield text, final, read(text, shape)

    record_rates(outcomes(), record_property)


def test_the_last_grid_without_a_label_is_the_answer(record_property: Callable[[str, object], None]) -> None:
    def outcomes():
        for n, (prefix, notation, suffix) in enumerate(kinds(11)):
            final, draft, asked = boards_of(n)
            text = prefix(draft, asked) + "So it becomes this.\n\n" + notation(final) + suffix(final, asked)
            yield text, final, read(text, (4, 6))

    record_rates(outcomes(), record_property)


def test_a_later_answer_replaces_one_that_was_taken_back(
    record_property: Callable[[str, object], None],
) -> None:
    def outcomes():
        for n, (first, back, second) in enumerate(
            product(NOTATIONS.values(), TAKEN_BACK, list(NOTATIONS.values())[::12])
        ):
            final, draft, _ = boards_of(n)
            text = f"Answer:\n{first(draft)}{back}{second(final)}"
            yield text, final, read(text, (4, 6))

    record_rates(outcomes(), record_property)


def test_a_final_answer_without_a_grid_is_none_whatever_comes_before(
    record_property: Callable[[str, object], None],
) -> None:
    def outcomes():
        for n, (prefix, label, words) in enumerate(
            product(PREFIXES.values(), [*LABELS, "Answer: "], NO_ANSWER)
        ):
            final, draft, asked = boards_of(n)
            text = f"{prefix(draft, asked)}It may be {b.compact(final)}.\n\n{label}{words}"
            yield text, None, read(text, (4, 6))

    record_rates(outcomes(), record_property)
