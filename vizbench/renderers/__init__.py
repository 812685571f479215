"""Turn grids into pictures, clips and text, and back. Renderers know looks, palettes and grids, not tasks.

- `palettes`: the colours of cell codes
- `layout`: the places of cells in a picture
- `looks`: several ways to draw each task
- `glyphs`: the digits, pieces and markers of some looks
- `frames`: draws grids as pictures
- `pictures`, `video`: write and read files
- `terminal`: draws grids in a terminal
- `decode`: reads pictures, with the modules below
- `locate`: finds a board of known shape in any frame
- `infer_shape`: finds the shape of a board
- `erase`: removes glyphs, so that only the colours of cells are read
- `colours`: reads colours that were changed
- `truncated_files`: finds files that were cut off
- `text`: writes and reads JSON and rows of digits
- `replies`: finds the grid in what a model writes
- `coerce`: reads whatever a caller passes to `verify`
"""
