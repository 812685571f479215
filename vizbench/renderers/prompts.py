"""Put an instance in words: what is asked, what codes or colours mean, and what the answer must look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.renderers.palettes import colour_names
from vizbench.seeds import integer, keys_at, stream
from vizbench.task.contract import Verifier
from vizbench.types import Instance, Look, SplitName

Reader: TypeAlias = Literal["text", "vision", "image", "video"]
"""Who reads a prompt. text: grids in and out as JSON. vision: a picture in, JSON out. image: a picture in and
out. video: a first frame in, a clip out."""

READERS: Final[Sequence[Reader]] = get_args(Reader)

STYLES: Final = 3
"""Wordings per task."""


def prompt_of(
    verifier: Verifier, instance: Instance, reader: Reader, style: int | None, look: Look | None = None
) -> str:
    """Return the prompt of an instance: ASCII, one line, never empty.

    style: which of the task's wordings, 0 … 2. None: drawn by the instance's name. look: the look whose
    colours are named. None: the task's own.

    Raises UserError if there is no such reader or style, or if the look has too few colours.
    """
    if reader not in READERS:
        raise UserError(f"unknown reader {str(reader)[:40]!r}: choose {', '.join(READERS)}")
    if style is None:
        style = style_of(instance)
    number = integer(style)
    if number is None or not 0 <= number < STYLES:
        raise UserError(f"style {str(style)[:40]!r} is not in 0 … {STYLES - 1}: choose one there, or None")
    instructions = verifier.instructions(instance.params)[number]
    meanings = _meanings(verifier, reader, look)
    return f"{instructions} {meanings} {_form(verifier, instance, reader)}"


def style_of(instance: Instance) -> int:
    """Return the wording that an instance draws by its name."""
    index = np.array([instance.index], np.int64)
    return int(styles_of(instance.task, instance.seed, instance.split, index)[0])


def styles_of(task: str, seed: int, split: SplitName, index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the wordings that the rows with these numbers draw, `(n,)`."""
    origin = stream("prompt", task, seed, split)
    return (keys_at(origin, index) % np.uint64(STYLES)).astype(np.int64)


def legend_of(verifier: Verifier, look: Look | None = None) -> list[tuple[int, str, str]]:
    """Return code, colour and meaning of each cell code.

    look: the look whose colours are named. None: the task's own. Raises UserError if it has too few colours.
    """
    colours = colour_names((look or verifier.look).palette)
    nouns = verifier.legend or tuple(f"code {code}" for code in range(verifier.codes))
    if len(colours) < len(nouns):
        raise UserError(
            f"the look has {plural(len(colours), 'colour')} and the task {len(nouns)} codes: "
            "give a look with more"
        )
    return list(zip(range(len(nouns)), colours, nouns, strict=False))


def _meanings(verifier: Verifier, reader: Reader, look: Look | None) -> str:
    """Return a sentence that says what each code or colour means."""
    legend = legend_of(verifier, look)
    if reader == "text":
        meanings = ", ".join(f"{code} = {noun}" for code, _, noun in legend)
        return f"The grid is a JSON list of rows of numbers: {meanings}."
    meanings = ", ".join(f"{colour} = {noun}" for _, colour, noun in legend)
    return f"Colors in the picture: {meanings}."


def _form(verifier: Verifier, instance: Instance, reader: Reader) -> str:
    """Return a sentence that says what the answer must look like."""
    shape = verifier.answer_shape(instance.question)
    if reader == "image":
        return "Draw the answer as a picture with the same grid, cell size and colors."
    if reader == "video":
        return (
            "The first frame shows the question. The last frame must show the answer, with the same grid, "
            "cell size and colors."
        )
    codes = _codes(verifier, reader)
    if shape is None:
        return f"Reply with the answer as a JSON list of rows of numbers and nothing else.{codes}"
    rows, columns = shape
    return (
        f"Reply with the answer as a JSON list of {rows} rows of {columns} numbers each and nothing else."
        f"{codes}"
    )


def _codes(verifier: Verifier, reader: Reader) -> str:
    """Return a sentence that says which codes an answer in JSON may hold, or "" if the reader knows them."""
    allowed = verifier.answer_codes
    if reader == "vision":
        nouns = [(code, noun) for code, _, noun in legend_of(verifier) if allowed is None or code in allowed]
        return " Write " + ", ".join(f"{code} for {noun}" for code, noun in nouns) + "."
    if allowed is None:
        return ""
    *others, last = map(str, allowed)
    return f" The answer holds only {', '.join(others)} and {last}."
