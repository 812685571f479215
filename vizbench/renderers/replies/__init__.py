"""Read the grid that a reply gives as its answer, by the rules of `docs/judging.md`.

A reply goes through one pipeline, with a module per step:

- `characters`, `reasoning` and `markup` make it plain text.
- `labels` cuts it into sections.
- `nested` finds grids written as lists in a list.
- `lines`, `tables` and `blocks` find grids written as lines.
- `choice` picks the final answer, and `doubts` finds what the reply says against its own grids.

Replies are hostile input. Every step takes time linear in the length of the text, and no step raises.
"""
