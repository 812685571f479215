"""Put an instance in words: what is asked, what codes or colours mean, and what the answer must look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.renderers.palettes import colour_names, outside_name
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
    verifier: Verifier,
    instance: Instance,
    reader: Reader,
    style: int | None,
    look: Look | None = None,
    process: bool = False,
) -> str:
    """Return the prompt of an instance: ASCII, one line, never empty.

    style: which of the task's wordings, 0 … 2. None: drawn by the instance's name. look: the look whose
    colours are named. None: the task's own. process: ask for every state, not only for the answer.

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
    parts = [instructions, _meanings(verifier, instance, reader, look)]
    if reader in ("image", "video"):
        parts.append(_drawn_form(verifier, reader, process))
        if look is not None and look.glyphs:
            parts.append("Only colors count: symbols and lines on top of them may be left out.")
    else:
        parts.append(_state_form(verifier, instance) if process else _form(verifier, instance))
        parts.append(_codes(verifier, instance, reader))
    return " ".join(filter(None, parts))


def style_of(instance: Instance) -> int:
    """Return the wording that an instance draws by its name."""
    index = np.array([instance.index], np.int64)
    return int(styles_of(instance.task, instance.seed, instance.split, index)[0])


def styles_of(task: str, seed: int, split: SplitName, index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the wordings that the rows with these numbers draw, `(n,)`."""
    origin = stream("prompt", task, seed, split)
    return (keys_at(origin, index) % np.uint64(STYLES)).astype(np.int64)


def legend_of(verifier: Verifier, instance: Instance, look: Look | None = None) -> list[tuple[int, str, str]]:
    """Return code, colour and meaning of each cell code that the instance or an answer to it may hold.

    look: the look whose colours are named. None: the task's own. Raises UserError if it has too few colours.
    """
    colours = colour_names((look or verifier.look).palette)
    nouns = verifier.legend or tuple(f"code {code}" for code in range(verifier.codes))
    if len(colours) < len(nouns):
        raise UserError(
            f"the look has {plural(len(colours), 'colour')} and the task {len(nouns)} codes: "
            "give a look with more"
        )
    codes = verifier.codes_of(instance.params, instance.question)
    return [(code, colours[code], nouns[code]) for code in codes]


def _meanings(verifier: Verifier, instance: Instance, reader: Reader, look: Look | None) -> str:
    """Return a sentence that says what each code or colour means."""
    legend = legend_of(verifier, instance, look)
    if reader == "text":
        meanings = ", ".join(f"{code} = {noun}" for code, _, noun in legend)
        return f"The grid is a JSON list of rows of numbers: {meanings}."
    meanings = ", ".join(f"{colour} = {noun}" for _, colour, noun in legend)
    rows, columns = instance.question.shape
    around = _outside(look or verifier.look)
    return f"The grid has {rows} rows of {columns} cells. Colors in the picture: {meanings}.{around}"


def _outside(look: Look) -> str:
    """Return a sentence that says what is not a cell, or "" if the picture holds only cells."""
    parts = [name for name, pixels in (("lines", look.line), ("margins", look.margin)) if pixels]
    if look.canvas is not None and "margins" not in parts:
        parts.append("margins")
    if not parts:
        return ""
    colour = outside_name(look.palette)
    return f" {colour[0].upper()}{colour[1:]} {' and '.join(parts)} are no cells."


def _drawn_form(verifier: Verifier, reader: Reader, process: bool) -> str:
    """Return sentences that say what an answer in pictures must look like."""
    alike = "with the same colors" if verifier.resizes else "with the same grid, cell size and colors"
    if reader == "image":
        return f"Draw the answer as a picture {alike}."
    if not process:
        return f"The first frame shows the question. The last frame must show the answer, {alike}."
    states = (
        f"The first frame shows the question. The frames after it must show every state in order, {alike}"
    )
    if verifier.continuation is None:
        return f"{states}. The last frame must show the answer."
    return f"{states}: first the answer, then how it goes on to the end."


def _form(verifier: Verifier, instance: Instance) -> str:
    """Return a sentence that says what an answer in JSON must look like."""
    return f"Reply with the answer as {_grid_form(verifier, instance)} and nothing else."


def _state_form(verifier: Verifier, instance: Instance) -> str:
    """Return sentences that say what a process in JSON must look like."""
    line = f"one state per line, each as {_grid_form(verifier, instance)}"
    if verifier.continuation is None:
        return (
            f"Reply with every state after the question in order, {line} and nothing else. The last line is "
            "the answer."
        )
    return (
        f"Reply with the answer and then every state that follows it up to the end, {line} and nothing else. "
        "The first line is the answer."
    )


def _grid_form(verifier: Verifier, instance: Instance) -> str:
    """Return what a grid in JSON is."""
    shape = verifier.answer_shape(instance.question)
    if shape is None:
        return "a JSON list of rows of numbers"
    rows, columns = shape
    return f"a JSON list of {rows} rows of {columns} numbers each"


def _codes(verifier: Verifier, instance: Instance, reader: Reader) -> str:
    """Return a sentence that says which codes an answer in JSON may hold, or "" if the reader knows them."""
    allowed = verifier.answer_codes
    if reader == "vision":
        legend = legend_of(verifier, instance)
        nouns = [(code, noun) for code, _, noun in legend if allowed is None or code in allowed]
        return "Write " + ", ".join(f"{code} for {noun}" for code, noun in nouns) + "."
    if allowed is None:
        return ""
    *others, last = map(str, allowed)
    return f"The answer holds only {', '.join(others)} and {last}."
