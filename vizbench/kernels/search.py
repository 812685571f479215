"""Hold the states of breadth-first searches over many instances at once, each state once.

A search goes level by level: a task makes all states after one move, and `StateSet` keeps those that are new.
States are compared byte by byte, so that no collision of digests drops one.
"""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit

_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_FIRST: Final = 256
"""States for which a set has space at first."""

Numbers = npt.NDArray[np.int64]
Flat = npt.NDArray[np.uint8]
"""States `(m, c)`, one per row."""


@jit
def _digest(row, state):
    """Return a 64-bit digest of the number of an instance and a state `(c,)` uint8."""
    total = np.uint64(row) * _MIX2
    word = np.uint64(0)
    for k in range(state.shape[0]):
        word = (word << np.uint64(8)) | np.uint64(state[k])
        if k % 8 == 7 or k == state.shape[0] - 1:
            total = (total ^ word) * _MIX1
            total = total ^ (total >> np.uint64(29))
            word = np.uint64(0)
    total = total * _MIX2
    return total ^ (total >> np.uint64(32))


@jit
def _slot(slots, digests, states, rows, digest, state, row):
    """Return the slot of a state, or the free slot where it belongs."""
    last = np.uint64(slots.shape[0] - 1)
    slot = digest & last
    while slots[slot] >= 0:
        at = slots[slot]
        if digests[at] == digest and rows[at] == row:
            same = True
            for k in range(state.shape[0]):
                if states[at, k] != state[k]:
                    same = False
                    break
            if same:
                return slot
        slot = (slot + np.uint64(1)) & last
    return slot


@jit
def _add(slots, digests, states, rows, count, new_states, new_rows, places):
    """Put states `(k, c)` of instances `(k,)` into the set, and write their places. Return the new count."""
    for i in range(new_states.shape[0]):
        digest = _digest(new_rows[i], new_states[i])
        slot = _slot(slots, digests, states, rows, digest, new_states[i], new_rows[i])
        if slots[slot] < 0:
            slots[slot] = count
            digests[count] = digest
            states[count] = new_states[i]
            rows[count] = new_rows[i]
            count += 1
        places[i] = slots[slot]
    return count


@jit
def _find(slots, digests, states, rows, asked_states, asked_rows, places):
    """Write the places of states `(k, c)` of instances `(k,)`, -1 for one that is not in the set."""
    for i in range(asked_states.shape[0]):
        digest = _digest(asked_rows[i], asked_states[i])
        slot = _slot(slots, digests, states, rows, digest, asked_states[i], asked_rows[i])
        places[i] = slots[slot]


@jit
def _refill(slots, digests, count):
    """Put the first `count` states into empty slots."""
    last = np.uint64(slots.shape[0] - 1)
    for i in range(count):
        slot = digests[i] & last
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & last
        slots[slot] = i


@final
class StateSet:
    """A growing set of states. A state has the number of its instance, and a place: 0, 1, 2 … as added."""

    def __init__(self, cells: int) -> None:
        """cells: bytes per state."""
        self._count = 0
        self._slots = np.full(4 * _FIRST, -1, np.int32)
        self._digests = np.empty(_FIRST, np.uint64)
        self._states = np.empty((_FIRST, cells), np.uint8)
        self._rows = np.empty(_FIRST, np.int64)

    def __len__(self) -> int:
        return self._count

    @property
    def states(self) -> Flat:
        """The states by place, `(m, c)`."""
        return self._states[: self._count]

    @property
    def rows(self) -> Numbers:
        """The instance of each state, `(m,)`."""
        return self._rows[: self._count]

    def add(self, states: Flat, rows: Numbers) -> Numbers:
        """Add the states `(k, c)` that are not in the set. Return the places of all, `(k,)`."""
        self._make_space(self._count + len(states))
        places = np.empty(len(states), np.int64)
        parts = (self._slots, self._digests, self._states, self._rows)
        self._count = int(_add(*parts, self._count, states, rows, places))
        return places

    def find(self, states: Flat, rows: Numbers) -> Numbers:
        """Return the places of states `(k, c)`, -1 for one that is not in the set."""
        places = np.empty(len(states), np.int64)
        _find(self._slots, self._digests, self._states, self._rows, states, rows, places)
        return places

    def _make_space(self, most: int) -> None:
        """Let the set hold `most` states, with at least half of its slots free."""
        size = len(self._digests)
        if most <= size:
            return
        while size < most:
            size *= 2
        self._digests = _grown(self._digests, size)
        self._states = _grown(self._states, size)
        self._rows = _grown(self._rows, size)
        self._slots = np.full(4 * size, -1, np.int32)
        _refill(self._slots, self._digests, self._count)


def _grown(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Return a longer array that begins with this one."""
    larger = np.empty((size, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


@jit
def add_ways(parents, children, ways):
    """Add up how many shortest plans lead from each state to a goal. Moves `(k,)` lead to the next level."""
    for i in range(parents.shape[0]):
        ways[parents[i]] += ways[children[i]]


@jit
def nearest_states(answer, states, starts, levels, asked, at):
    """Write the place of the state that differs least from each answer `(n, c)`, -1 if there is none.

    states `(total, c)`, starts `(n + 1,)`, levels `(total,)`: the states on shortest plans of each instance
    and their moves from its question. Only levels 1 … asked[i] count. Of several, it is the first.
    """
    for i in range(answer.shape[0]):
        at[i], least = -1, answer.shape[1] + 1
        for place in range(starts[i], starts[i + 1]):
            if 1 <= levels[place] <= asked[i]:
                differ = 0
                for k in range(answer.shape[1]):
                    differ += states[place, k] != answer[i, k]
                    if differ >= least:
                        break
                if differ < least:
                    at[i], least = place, differ


@jit
def equal_states(answer, states, starts, levels, asked, at):
    """Write the place of the state of level asked[i] that equals each answer, -1 if none does.

    Arguments are as in `nearest_states`.
    """
    for i in range(answer.shape[0]):
        at[i] = -1
        for place in range(starts[i], starts[i + 1]):
            if levels[place] == asked[i] and at[i] < 0:
                same = True
                for k in range(answer.shape[1]):
                    if states[place, k] != answer[i, k]:
                        same = False
                        break
                if same:
                    at[i] = place


@jit
def trace_plans(ends, parents, firsts, chosen):
    """Write the places of the states that lead to each end to `chosen`, one plan after the other.

    ends `(n,)`: places, or -1 for a plan of one unknown state, which gets -1. parents: the place before each
    state. firsts `(n + 1,)`: where each plan begins in `chosen`.
    """
    for i in range(ends.shape[0]):
        place = ends[i]
        for k in range(firsts[i + 1] - 1, firsts[i] - 1, -1):
            chosen[k] = place
            if place >= 0:
                place = parents[place]
