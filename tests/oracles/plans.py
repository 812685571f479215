"""Search for shortest plans once more, in plain Python, from a task's rules only.

A state is a tuple of rows. A task's twin writes `moves(state)` and `is_goal(state)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

State = tuple[tuple[int, ...], ...]
Moves = Callable[[State], Iterable[State]]


def reached(start: State, moves: Moves, is_goal: Callable[[State], bool]) -> list[set[State]]:
    """Return the states after 0, 1, 2 … moves, each at its least number, up to the first goal."""
    levels, seen = [{start}], {start}
    while levels[-1] and not any(map(is_goal, levels[-1])):
        after = {state for before in levels[-1] for state in moves(before)} - seen
        seen |= after
        levels.append(after)
    return levels


def ways_to_goal(
    start: State, moves: Moves, is_goal: Callable[[State], bool]
) -> tuple[int, list[dict[State, int]]]:
    """Return the moves of a shortest plan, and the number of plans from each state on one, by level.

    The moves are -1 if there is no plan.
    """
    levels = reached(start, moves, is_goal)
    if not levels[-1]:
        return -1, []
    ways = [{state: 1 for state in levels[-1] if is_goal(state)}]
    for level in reversed(levels[:-1]):
        counts = {state: sum(ways[0].get(after, 0) for after in moves(state)) for state in level}
        ways.insert(0, {state: count for state, count in counts.items() if count})
    return len(levels) - 1, ways


def parts(
    question: State, answer: State, plans: list[dict[State, int]], asked: int
) -> set[tuple[float, ...]]:
    """Return moves, changed and precise from their clauses, for each of the states that are nearest."""
    cells = [(r, c) for r in range(len(question)) for c in range(len(question[0]))]
    near: dict[int, list[tuple[int, State]]] = {}
    for level in range(1, asked + 1):
        for state in plans[level]:
            differ = sum(state[r][c] != answer[r][c] for r, c in cells)
            near.setdefault(differ, []).append((level, state))
    values: set[tuple[float, ...]] = set()
    for level, state in near[min(near)]:
        due = [(r, c) for r, c in cells if state[r][c] != question[r][c]]
        touched = [(r, c) for r, c in cells if answer[r][c] != question[r][c]]
        shares: list[float] = []
        for code in {state[r][c] for r, c in due}:
            places = [(r, c) for r, c in due if state[r][c] == code]
            shares.append(sum(answer[r][c] == code for r, c in places) / len(places))
        spoiled = len(set(touched) - set(due)) / max(1, len(cells) - len(due))
        right = sum(answer[r][c] == state[r][c] for r, c in touched)
        precise = right / len(touched) if touched else 0.0
        values.add((level / asked, max(0.0, min(shares) - spoiled), precise))
    return values
