"""Grids to pictures, clips and text, and back. Renderers know looks, palettes and grids, not tasks.

palettes: code -> colour; geometry: where cells lie; frames: grids to pictures; decode, infer: pictures to
grids; video: clips in memory and on disk; files: pictures on disk; text: JSON and rows of digits; terminal:
half-blocks."""
