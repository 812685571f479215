"""Treat the test inputs of one ARC task as a cluster.

A model that solves one input of a task solves the others more often, so that three inputs show less than
three independent ones. The interval of a share is Wilson's for the effective number of independent inputs,
n / design effect (Kish 1965, section 8.2). It is among those that Franco, Little, Louis and Slud 2019
recommend for such shares.

Coverage of the 95% interval over 4,000 trials, 16 concepts of 5 tasks of 3 inputs, with tasks' shares
beta-distributed around p with this correlation of the inputs of a task:

            0     .3    .6    1
p = .05     97    94    96    98
p = .2      98    96    96    94
p = .5      96    95    95    94

If inputs are taken as independent, it is 97 … 76, 98 … 94 and 96 … 62 in these rows. If each task counts as
one input, it is 97 … 100 in the first three columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

Counts: TypeAlias = Sequence[tuple[int, int]]
"""(hits, n) of each cluster, n >= 1."""


def correlation(groups: Sequence[Counts]) -> float:
    """Return how much alike the answers of one cluster are, 0 … 1.

    This is the ANOVA estimate of the intraclass correlation (Donner 1986), from the spread within groups,
    each of which has a share of its own. It is 1 if it cannot be estimated: if all answers are alike, if
    every group is one cluster, or if every cluster is one answer.
    """
    between = within = size = 0.0
    clusters = answers = 0
    for group in groups:
        n = sum(of for _, of in group)
        share = sum(hits for hits, _ in group) / n
        between += math.fsum(of * (hits / of - share) ** 2 for hits, of in group)
        within += math.fsum(hits * (of - hits) / of for hits, of in group)
        size += n - sum(of * of for _, of in group) / n
        clusters += len(group) - 1
        answers += n - len(group)
    if not clusters or not answers or not between + within:
        return 1.0
    between, within, size = between / clusters, within / answers, size / clusters
    return min(max((between - within) / (between + (size - 1) * within), 0.0), 1.0)


def design_effect(clusters: Counts, alike: float) -> float:
    """Return how many times as many answers are needed as independent ones, 1 or more.

    alike: their `correlation`.
    """
    n = sum(of for _, of in clusters)
    return 1 + (sum(of * of for _, of in clusters) / n - 1) * alike
