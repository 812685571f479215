"""Turn grids into pictures, clips and text, and back. Renderers know looks, palettes and grids, not tasks.

Drawing: `palettes` (cell codes to colours), `layout` (where cells are in a picture), `frames` (grids to
pictures), `pictures` and `video` (files), `terminal` (half-blocks). Reading pictures: `decode`, which uses
`locate` (a board of known shape in any frame), `infer_shape` (a board of unknown shape) and `colours`
(colours that were changed). Reading files: `truncation` (files that were cut off). Text: `text` (JSON and
rows of digits), with `replies` for what models write around it. `coerce` reads whatever a caller passes to
`verify`.
"""
