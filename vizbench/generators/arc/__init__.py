"""Make ARC-style tasks by rules: small programs that turn one grid of coloured objects into another.

- `scene`: the objects of a grid
- `draw`: random numbers, shapes and scenes
- `facts`: what demonstrations show before a rule is run
- `rule`: the base class of rules
- `concepts`: the rules, one file per concept
- `library`: the list of all rules
- `certify`: episodes, whose demonstrations allow only one answer
- `task`: the task family
"""

from __future__ import annotations

from vizbench.generators.arc.task import TASK

__all__ = ["TASK"]
