"""Write the Towers of Hanoi once more, from their rules only.

A state is three stacks of disks 1, 2 … n, bottom first.
"""

from __future__ import annotations

from collections import deque
from itertools import product

Rows = list[list[int]]
State = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

GROUND, PEG, BASE, GOAL_GROUND = 0, 7, 8, 9


def states(disks: int) -> list[State]:
    """Return every legal state, larger disks below smaller ones. Disk 1's peg changes first."""
    actual: list[State] = []
    for places in product(range(3), repeat=disks):  # the largest disk's place first
        stacks: list[list[int]] = [[], [], []]
        for disk, peg in zip(range(disks, 0, -1), places, strict=True):
            stacks[peg].append(disk)
        actual.append((tuple(stacks[0]), tuple(stacks[1]), tuple(stacks[2])))
    return actual


def moves(state: State) -> list[State]:
    """Return the states after one legal move."""
    actual: list[State] = []
    for a in range(3):
        for b in range(3):
            if a != b and state[a] and (not state[b] or state[b][-1] > state[a][-1]):
                stacks = list(state)
                stacks[a], stacks[b] = state[a][:-1], (*state[b], state[a][-1])
                actual.append((stacks[0], stacks[1], stacks[2]))
    return actual


def distances(start: State) -> dict[State, int]:
    """Return the least number of moves from a state to every other."""
    actual, queue = {start: 0}, deque([start])
    while queue:
        state = queue.popleft()
        for after in moves(state):
            if after not in actual:
                actual[after] = actual[state] + 1
                queue.append(after)
    return actual


def picture(start: State, goal: State, colours: dict[int, int]) -> Rows:
    """Return the goal's band above the state's. colours: disk to code."""
    disks = len(colours)
    wide = 2 * disks - 1
    rows: Rows = []
    for state, ground in ((goal, GOAL_GROUND), (start, GROUND)):
        for level in reversed(range(disks)):
            row: list[int] = []
            for stack in state:
                disk = stack[level] if level < len(stack) else 0
                for column in range(wide):
                    off = abs(column - (disks - 1))
                    if off < disk:
                        row.append(colours[disk])
                    else:
                        row.append(PEG if off == 0 else ground)
            rows.append(row)
        rows.append([BASE] * (3 * wide))
    return rows


def nearer_moves(state: State, to_goal: dict[State, int]) -> list[State]:
    """Return the states after one move that are one move nearer to the goal."""
    return [after for after in moves(state) if to_goal[after] == to_goal[state] - 1]


def right_pictures(start: State, goal: State, colours: dict[int, int], steps: int) -> list[Rows]:
    """Return every answer: the states that shortest paths to the goal reach after so many moves."""
    to_goal = distances(goal)
    here = {start} if to_goal[start] >= steps else set[State]()
    for _ in range(steps):
        here = {after for state in here for after in nearer_moves(state, to_goal)}
    return [picture(state, goal, colours) for state in here]
