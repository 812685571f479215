"""Measure the ARC rule library: its speed, how varied its pairs are, and what shortcuts solve.

    python -m benchmarks.rules [--shortcuts 1000] [--pairs 10000] [CONCEPT ...]

Prints per concept the certified episodes per CPU second and the microseconds per rule to fit the library, and
per rule the pairs per CPU second. `--pairs N` adds the share of N pairs of a rule that differ.
`--shortcuts N` adds how many of N episodes each shortcut solves.

Expected on a 2-core machine, one thread: 2,000 pairs per second for every rule, and 50 episodes per second
with the whole library. No shortcut solves over 2% of 1,000 episodes of a concept. Of 10,000 pairs of a rule
99% differ.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable

from vizbench.generators.arc.certify import SHORTCUTS, episode, fitting, shortcut
from vizbench.generators.arc.facts import Demos
from vizbench.generators.arc.library import concepts, rules
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.rule import Rule
from vizbench.seeds import stream

PAIRS, EPISODES = 1_000, 200


def pairs_per_second(family: type[Rule]) -> float:
    """Return pairs per CPU second, over some settings of a rule."""
    draw = Draw(stream("benchmark", family.id()))
    some = [family.sample(draw) for _ in range(8)]
    start = time.thread_time()
    for k in range(PAIRS):
        some[k % 8].pair(draw)
    return PAIRS / (time.thread_time() - start)


def distinct(family: type[Rule], n: int) -> float:
    """Return the share of n pairs of one setting that differ from all before."""
    draw = Draw(stream("distinct", family.id()))
    rule = family.sample(draw)
    pairs = [rule.pair(draw) for _ in range(n)]
    return len({pair.question.key for pair in pairs if pair is not None}) / n


def episodes_per_second(concept: str) -> tuple[float, float]:
    """Return certified episodes per CPU second, and the microseconds per rule to fit the library to one."""
    episode(concept, 0)  # compiles
    start = time.thread_time()
    drawn = [episode(concept, number) for number in range(1, EPISODES + 1)]
    rate = EPISODES / (time.thread_time() - start)
    fresh = [Demos(one.demos) for one in drawn]
    start = time.thread_time()
    for demos in fresh:
        fitting(demos)
    return rate, (time.thread_time() - start) / EPISODES / len(rules()) * 1e6


def shortcuts(concept: str, n: int) -> dict[str, int]:
    """Return how many of n episodes each shortcut solves."""
    solved: Counter[str] = Counter()
    for number in range(n):
        drawn = episode(concept, number)
        demos = [(pair.question.grid, pair.answer.grid) for pair in drawn.demos]
        tests = [(pair.question.grid, pair.answer.grid) for pair in drawn.tests]
        solved[shortcut(demos, tests)] += 1
    return {name: solved[name] for name in SHORTCUTS if solved[name]}


def main() -> None:
    """Print a block per concept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("concepts", nargs="*", default=concepts(), metavar="CONCEPT")
    parser.add_argument("--shortcuts", type=int, default=0, metavar="N", help="count solved episodes, of N")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="count differing pairs, of N")
    arguments = parser.parse_args()
    chosen: Iterable[str] = arguments.concepts
    for concept in chosen:
        rate, fit = episodes_per_second(concept)
        print(f"{concept}: {rate:,.0f} episodes/s, {fit:.1f} us per rule and fit, {len(rules())} rules")
        for family in rules(concept):
            share = f"  {distinct(family, arguments.pairs):.2%} distinct" if arguments.pairs else ""
            print(f"  {family.id():32}{pairs_per_second(family):8,.0f} pairs/s{share}")
        if arguments.shortcuts:
            solved = shortcuts(concept, arguments.shortcuts) or "none"
            print(f"  shortcuts solve {solved} of {arguments.shortcuts:,} episodes")


if __name__ == "__main__":
    main()
