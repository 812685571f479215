"""ARC-style tasks by rule: small programs over scenes of coloured objects that turn one grid into another.

scene: the objects of a grid; draw: making scenes; facts: what demonstrations show; rule: the abstract rule;
library: every rule of `concepts`; certify: episodes whose demonstrations leave one answer; task: the task
family."""

from __future__ import annotations

from vizbench.generators.arc.task import TASK

__all__ = ["TASK"]
