"""Read the grid that a reply answers: `docs/judging.md` states the rules.

A reply goes through one pipeline, a module per step: `characters` and `reasoning` and `markup` make it plain
text, `labels` cuts it into sections, `nested` and `lines` find candidate grids, `choice` picks the final
answer. Replies are hostile: every step takes time linear in the text, and none raises."""
