"""Load tasks by name, and verify answers: `family/variant`, `FILE.py:NAME`, `LAYOUT:PATH`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any, SupportsIndex, cast

import msgspec

from vizbench._util.grids import as_states
from vizbench.dataset.splits import POOL, Dataset, check_pool, demonstrated_dataset, generated_dataset
from vizbench.errors import UserError
from vizbench.formats.lookup import is_corpus, source_of, split_name, verifier_and_params, verifier_of
from vizbench.renderers import frames
from vizbench.renderers.layout import Shape
from vizbench.renderers.looks import LOOKS, LookName, look_of
from vizbench.renderers.palettes import PALETTES
from vizbench.renderers.prompts import Reader, prompt_of
from vizbench.seeds import check_seed
from vizbench.task.contract import HasDemonstrations, Task, Verifier
from vizbench.task.registry import import_task, level_name, spec
from vizbench.types import Answer, Batch, DecodeFailure, Grid, Image, Instance, Look, Verdict, Verdicts

EPISODES = 16
"""Episodes that `arc/CONCEPT` means in a list of tasks. `arc/CONCEPT?episode=7` is one of them."""

_ID = re.compile(
    r"(?P<task>.+)#(?P<seed>\d{1,19})-(?P<split>train|test)-(?P<index>\d{1,9})(-pool(?P<pool>\d{1,7}))?",
    re.ASCII | re.DOTALL,
)
"""The form of `Instance.id`."""


def load(
    name: str,
    seed: SupportsIndex = 0,
    pool: SupportsIndex = POOL,
    level: SupportsIndex | None = None,
    **params: object,
) -> Dataset:
    """Return the data set of a task. Makes no row yet.

    name: `family`, `family/variant`, `family/variant?key=value`, `LAYOUT:FILE`, or `FILE.py:NAME` in place of
    the family. Such a file is imported, which runs its code: name only files you trust.
    seed: 0 … 2^63 - 1. pool: how many of the first train rows test rows keep away from. level: 0 … 9, in
    place of a variant: `load("maze", level=3)` is `load("maze/level3")`. params: override those of the
    variant.

    Raises UserError for unknown names (with near ones) and for values that the task refuses.
    """
    if source_of(name) is None:
        import_task(name)
    if level is not None:
        name = level_name(name, level)
    return load_recorded(name, seed, pool, **params)


def load_recorded(
    name: str, seed: SupportsIndex = 0, pool: SupportsIndex = POOL, **params: object
) -> Dataset:
    """Return the data set of a task whose name may come from a record. Imports no Python file."""
    seed = check_seed(seed)
    pool = check_pool(pool)
    source = source_of(name)
    if source is not None:
        path, given, _ = split_name(name, source)
        return source.load(path, {**given, **params}, seed, pool)
    named = spec(name, params)
    grids = named.params.shown() if isinstance(named.params, HasDemonstrations) else None
    if grids is None:
        return generated_dataset(named, seed, pool)
    return demonstrated_dataset(named, grids, seed, pool)


def instance(id: str) -> Instance:
    """Make the instance of an id again, with the same bytes: `vizbench.instance("maze/9#0-train-17")`.

    id: what `Instance.id` gives, as it is in rows of data sets and in records of runs. The file of an ARC
    task is read again from its path. A Python file is not imported: call `load` with the task's name first.

    Raises UserError if the text is not an id, or names a row that does not exist.
    """
    text = cast("object", id)
    parts = _ID.fullmatch(id) if isinstance(text, str) else None
    if parts is None:
        given = repr(id[:80]) if isinstance(text, str) else f"an object of type {type(text).__name__}"
        raise UserError(
            f"{given} is not an id of an instance: write TASK#SEED-SPLIT-INDEX, e.g. maze/9#0-train-17"
        )
    data = load_recorded(parts["task"], int(parts["seed"]), int(parts["pool"] or POOL))
    return (data.train if parts["split"] == "train" else data.test)[int(parts["index"])]


def expand(name: str) -> list[str]:
    """Return the task names that `name` means.

    `LAYOUT:FOLDER` gives one per file below it, sorted; `arc-json:FILE.zip` one per file in the archive;
    `arc-agi-1:evaluation` one per task; any other name itself. A file that cannot be read is included: `load`
    reports the reason, and the other files stay usable. A Python file is imported.
    """
    source = source_of(name)
    if source is None:
        import_task(name)
        return _episodes(name) if is_corpus(name) and "episode=" not in name else [spec(name).name]
    path, _, tail = split_name(name, source)
    layout = name.partition(":")[0]
    return [f"{layout}:{task}{tail}" for task in source.expand(path)]


def flaws(name: str) -> list[str]:
    """Return known errors in a task's data, one sentence per pair. Returns none if it cannot be read.

    Reads a file only if its name is among those with known errors.
    """
    from vizbench.formats.arc import errata

    if not is_corpus(name) or PurePosixPath(name).stem not in errata.TASKS:
        return []
    try:
        rows = load(name).train
    except UserError:  # `load` reports why
        return []
    return rows[0].meta.get("flagged", [])


def verify(instance: Instance, answer: object) -> Verdict:
    """Check any object as the answer to an instance. Never raises.

    An object that is not a grid is a wrong answer. answer: a grid `(h, w)`, rows as nested lists, a text
    (read by `from_text`), an `Answer`, a `DecodeFailure` (wrong, with its reason), or a picture in the task's
    own look: a `PIL.Image` or an array `(H, W, 3)` uint8.
    """
    verifier = verifier_of(instance)
    grid = _read(verifier, instance, answer)
    if type(grid) is DecodeFailure:  # `isinstance` would ask a hostile object
        return Verdict(False, False, 0.0, grid.reason, verifier.no_parts())
    return verifier.verify(instance, grid)


def verify_batch(batch: Batch, answers: object) -> Verdicts:
    """Check one answer per instance of a batch, in compiled code. Gives no reasons: `verify` does.

    batch: from `Split.batch`, so that it names its task. answers: integers `(n, h, w)`, one grid of the
    target's shape per instance. If grids of the task differ in size (ARC): a list of n answers.

    Raises UserError if the answers do not have this form, or the batch names no task. Codes out of range are
    wrong answers.
    """
    if not batch.task:
        raise UserError(
            "the batch names no task: take it from a split, e.g. vb.load(name).test.batch(0, 1000)"
        )
    verifier, params = verifier_and_params(batch.task)
    return verifier.verify_batch(params, batch, answers)


def verify_steps(instance: Instance, states: object) -> Verdict:
    """Check a whole process: the states after the question that lead to an answer.

    Each state must follow from the one before by one step, and the last must be right. In a game the first
    must be right, and the game is played to its end. The reason names the step.

    states: a list of what `verify` reads, grids `(k, h, w)`, or a clip `(k, H, W, 3)` uint8 with one state
    per frame. A text must be a list of grids in JSON, `[[[0,1]],[[1,0]]]`: grids in prose are not searched
    for states.

    Never raises for any `states`. Raises UserError if the task has no rules for steps (ARC files).
    """
    verifier = verifier_of(instance)
    if not isinstance(verifier, Task):
        raise UserError(
            f"{instance.task[:80]} has no rules for the steps to an answer: check the last state by verify"
        )
    grids = _read_states(cast("Task[Any]", verifier), instance, states)
    if type(grids) is DecodeFailure:
        return Verdict(False, False, 0.0, grids.reason, {**verifier.no_parts(), "legal": 0.0})
    return verifier.verify_steps(instance, grids)


def _read_states(verifier: Verifier, instance: Instance, states: object) -> object:
    """Return the states with texts and pictures read, or a DecodeFailure for the first that holds no grid."""
    from vizbench.renderers.coerce import is_picture  # as in `_read`

    if issubclass(type(states), str):
        states = _json_states(str.__str__(cast("str", states)))
        if type(states) is DecodeFailure:
            return states
    elif type(states) in (Answer, DecodeFailure) or is_picture(states):
        states = [states]
    items = as_states(states)
    if isinstance(items, str):
        return DecodeFailure(items)
    grids: list[object] = []
    for number, state in enumerate(items, 1):
        grid = _read(verifier, instance, state)
        if type(grid) is DecodeFailure:  # `isinstance` would ask a hostile object
            return DecodeFailure(f"step {number}: {grid.reason}")
        grids.append(grid)
    return grids


def _json_states(text: str) -> object:
    """Return the list of grids in a JSON text, or a DecodeFailure."""
    try:
        return msgspec.json.decode(text.strip(), type=list[list[list[int]]])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return DecodeFailure("the text is not a process: give a list of grids in JSON, [[[0,1]],[[1,0]]]")


def _read(verifier: Verifier, instance: Instance, answer: object) -> object:
    """Read an answer that is a text or a picture, in the task's own look and size."""
    from vizbench.renderers.coerce import read_any

    shape = verifier.answer_shape(instance.question)
    question = None if shape is None else instance.question
    return read_any(answer, verifier.look, shape, question)


def prompt(
    instance: Instance,
    for_: Reader = "text",
    style: int | None = 0,
    look: Look | LookName | None = None,
    process: bool = False,
) -> str:
    """Return what is asked in words: the rules, what each code or colour means, the form of the answer.

    for_: `text` for grids as JSON, `vision` for a picture that is answered in JSON, `image` for a picture
    that is answered by a picture, `video` for a first frame that is continued to a last frame. style: which
    of the task's three wordings, 0 … 2; None draws one by the instance's id. look: the look in which the
    picture is drawn, a Look or the name of one ("paper", "glyphs", "shuffled" or "human"). Its colours are
    named. None for the task's own. process: ask for every state of the process, not only for the answer.

    The prompt is ASCII, one line and never empty. Raises UserError for an unknown reader, style or look.
    """
    if not isinstance(cast("object", instance), Instance):
        raise UserError(
            f"a prompt needs an instance, and {type(instance).__name__} is none: give e.g. "
            "vb.load(name).train[0]"
        )
    verifier = verifier_of(instance)
    if look is not None and not isinstance(look, Look):
        look = look_of(verifier, str(look), instance)
    return prompt_of(verifier, instance, for_, style, look, process)


def _episodes(name: str) -> list[str]:
    """Return the episodes of a task whose name chooses none."""
    return [spec(name, {"episode": number}).name for number in range(EPISODES)]


def render(what: Instance | Grid, look: Look | str | None = None, board: Shape | None = None) -> Image:
    """Draw the question of an instance, or a grid `(h, w)` uint8, as `(H, W, 3)` uint8.

    look: a Look, a palette's name, or of an instance the name of a look ("paper", "glyphs", "shuffled" or
    "human"); None for the look of the instance's task. A bare grid needs a Look or a palette.
    board: rows and columns of the picture in cells, at least those of the grid, which is drawn at the top
    left; None for those of the grid.

    Raises UserError for unknown looks, for codes without a colour, and for sizes out of range.
    """
    if isinstance(what, Instance):
        return frames.render(what.question, _look_for(what, look), board)
    if look is None:
        raise UserError(
            "a bare grid does not say how its task is drawn: give the instance, vb.render(instance), or a "
            "look, vb.render(grid, vb.verifier_of(instance).look)"
        )
    if isinstance(look, str) and look in LOOKS:
        raise UserError(
            f"a look by name needs the instance: give vb.render(instance, look={look!r}), or a palette: "
            f"{', '.join(PALETTES)}"
        )
    return frames.render(what, look, board)


def _look_for(instance: Instance, look: Look | str | None) -> Look | str:
    """Return the look in which an instance is drawn. Palettes have no names of looks."""
    if look is None:
        return verifier_of(instance).look
    if isinstance(look, Look):
        return look
    name = str(look)
    if name in LOOKS:
        return look_of(verifier_of(instance), name, instance)
    if "|" not in name and name not in PALETTES:
        raise UserError(
            f"unknown look {name[:80]!r}: choose a look ({', '.join(LOOKS)}) or a palette "
            f"({', '.join(PALETTES)})"
        )
    return name
