"""Show a process to a model, and check the process that its answer shows.

A clip has a fixed number of frames, a process has any number of states: `states_of_frames` maps one to the
other. `states_after_question` reads the mapping backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vizbench.errors import UserError
from vizbench.task.contract import Task
from vizbench.types import Grid, Instance, Verdict

MAPPING: Final = (
    "of F frames and S states, the question included, frame i shows state i*S//F (each state is held), "
    "or state i*(S-1)//(F-1) if S > F (states are left out)"
)
"""What `states_of_frames` does, for the header of a trial."""

FEWEST_FRAMES: Final = 3
"""The fewest frames that show a state between question and answer."""


def states_of_frames(states: int, frames: int) -> list[int]:
    """Return which state each frame of a clip shows.

    The first frame shows state 0, the question, and the last one the last state. With as many frames as
    states or more, every state is held for `frames / states` frames, rounded up or down. With two states this
    is the clip of question and target. With fewer frames, states are left out at even distances.

    states: at least 2, the question included. frames: at least 2.
    """
    if states <= frames:
        return [frame * states // frames for frame in range(frames)]
    return [frame * (states - 1) // (frames - 1) for frame in range(frames)]


def states_after_question(task: Task[Any], row: Instance, grids: Sequence[Grid]) -> list[Grid]:
    """Return the states after the question that the frames of a clip show.

    grids: what each frame shows, `(h, w)` each. The first may be the question.

    If there are as many frames as the task has steps, each is a state. Otherwise equal frames in a row are
    one state that is held. A state that follows itself (a still board) is repeated until the number of steps
    is reached.
    """
    expected = task.step_count(row.params, row.question)
    after_question = list(grids[1:] if np.array_equal(grids[0], row.question) else grids)
    if len(after_question) == expected:
        return after_question

    # Equal frames in a row are one state.
    distinct: list[Grid] = []
    before = row.question
    for grid in after_question:
        if not np.array_equal(grid, before):
            distinct.append(grid)
        before = grid

    # A held frame does not say how often the state follows itself.
    lacking = 0 if expected is None else expected - len(distinct)
    if lacking > 0:
        for position, state in enumerate([row.question, *distinct]):
            if _is_still(task, row, state):
                distinct[position:position] = [state] * lacking
                break
    return distinct or [grids[-1]]


def states_of_lines(task: Task[Any], row: Instance, grids: Sequence[Grid]) -> list[Grid]:
    """Return the states after the question in the lines of a text.

    Each line is a state. A first line that repeats the question is left out, unless a task that asks for a
    number of states then lacks one.
    """
    repeated = len(grids) > 1 and np.array_equal(grids[0], row.question)
    expected = task.step_count(row.params, row.question)
    return list(grids[1:]) if repeated and len(grids) != expected else list(grids)


def process_figures(verdict: Verdict, states: int) -> dict[str, float]:
    """Return the figures of a process from the verdict of `verify_steps`.

    - process_valid: 1 if every step is legal and the answer follows from them, otherwise 0.
    - process_legal: the share of states before the first illegal one.
    - first_illegal: the number of the first illegal state, from 1; left out if every state is legal.

    states: how many states were checked.
    """
    legal = verdict.parts["legal"]
    figures = {"process_valid": float(verdict.valid), "process_legal": legal}
    if legal < 1:
        figures["first_illegal"] = float(round(legal * states) + 1)
    return figures


NO_PROCESS: Final = {"process_valid": 0.0, "process_legal": 0.0}
"""The figures of an answer that shows no process."""


def check_frames(frames: int) -> None:
    """Raise UserError if a clip has no frame for a state between question and answer."""
    if frames < FEWEST_FRAMES:
        raise UserError(
            f"the model's clips have {frames} frames, the question and the answer, so they show no process: "
            "leave supervision out, or name a model with more frames"
        )


def _is_still(task: Task[Any], row: Instance, state: Grid) -> bool:
    """Return whether the rules let a state follow itself."""
    if int(state.max()) >= task.codes:
        return False
    return task.check_step(row.params, row.question, state, state).valid
