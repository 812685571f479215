"""Read the grid that a reply answers. `docs/judging.md` states the rules.

A reply passes through one pipeline, a module per step:

- `characters`, `reasoning` and `markup` make it plain text.
- `labels` cuts it into sections.
- `nested` finds grids written as lists, `lines` and `blocks` those written as lines.
- `choice` picks the final answer.

Replies are hostile: every step takes time linear in the text, and none raises.
"""
