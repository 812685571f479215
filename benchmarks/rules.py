"""Rules: pairs and certified episodes per CPU second, microseconds a fit, and what needs no rule to be
solved.

    python -m benchmarks.rules [--shortcuts 1000] [--pairs 10000] [concept ...]

Expected on a 2-core machine, one thread: 2,000 pairs a second for every rule, 50 episodes a second with the
whole library; no shortcut solves over 2 % of 1,000 episodes of a concept; of 10,000 pairs of a rule 99 %
differ."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable

from vizbench.generators.arc.certify import SHORTCUTS, episode, fitting, shortcut
from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.facts import Demos
from vizbench.generators.arc.library import concepts, rules
from vizbench.generators.arc.rule import Rule
from vizbench.seeds import stream

PAIRS, EPISODES = 1_000, 200


def pairs_a_second(family: type[Rule]) -> float:
    """Pairs of some settings, the first of which compiles."""
    draw = Draw(stream("benchmark", family.id()))
    some = [family.sample(draw) for _ in range(8)]
    start = time.thread_time()
    for k in range(PAIRS):
        some[k % 8].pair(draw)
    return PAIRS / (time.thread_time() - start)


def distinct(family: type[Rule], n: int) -> float:
    """The share of n pairs of one setting that differ from those before."""
    draw = Draw(stream("distinct", family.id()))
    rule = family.sample(draw)
    found = [rule.pair(draw) for _ in range(n)]
    return len({pair.question.key for pair in found if pair is not None}) / n


def episodes_a_second(concept: str) -> tuple[float, float]:
    """Certified episodes a second, and microseconds a rule to fit the library to an episode's
    demonstrations."""
    episode(concept, 0)
    start = time.thread_time()
    drawn = [episode(concept, number) for number in range(1, EPISODES + 1)]
    rate = EPISODES / (time.thread_time() - start)
    fresh = [Demos(found.demos) for found in drawn]
    start = time.thread_time()
    for demos in fresh:
        fitting(demos)
    return rate, (time.thread_time() - start) / EPISODES / len(rules()) * 1e6


def shortcuts(concept: str, n: int) -> dict[str, int]:
    """How many of n episodes each shortcut solves."""
    found: Counter[str] = Counter()
    for number in range(n):
        drawn = episode(concept, number)
        demos, tests = (
            [(p.question.grid, p.answer.grid) for p in pairs] for pairs in (drawn.demos, drawn.tests)
        )
        found[shortcut(demos, tests)] += 1
    return {name: found[name] for name in SHORTCUTS if found[name]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("concepts", nargs="*", default=concepts())
    parser.add_argument("--shortcuts", type=int, default=0, metavar="EPISODES")
    parser.add_argument("--pairs", type=int, default=0, metavar="N")
    given = parser.parse_args()
    chosen: Iterable[str] = given.concepts
    for concept in chosen:
        rate, fit = episodes_a_second(concept)
        print(f"{concept}: {rate:,.0f} episodes/s, {fit:.1f} us a rule and fit, {len(rules())} rules")
        for family in rules(concept):
            share = f"  {distinct(family, given.pairs):.2%} distinct" if given.pairs else ""
            print(f"  {family.id():32}{pairs_a_second(family):8,.0f} pairs/s{share}")
        if given.shortcuts:
            print(
                f"  shortcuts solve {shortcuts(concept, given.shortcuts) or 'none'} of {given.shortcuts:,} episodes"
            )


if __name__ == "__main__":
    main()
