"""Draw grids into pictures and read cells from pictures, in compiled code."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def paint_indices(grids, rows, columns, outside, out):
    """Draw grids `(n, h, w)` as palette indices `(n, H, W)` uint8 into `out`.

    rows `(h, 2)`, columns `(w, 2)`: start and end of the cells in pixels. The top pixel row of a cell is
    drawn once and then copied down: copies of whole rows are plain memory moves.
    """
    for g in range(grids.shape[0]):
        picture = out[g]
        picture[:] = outside
        for i in range(rows.shape[0]):
            top = rows[i, 0]
            for j in range(columns.shape[0]):
                code = grids[g, i, j]
                for x in range(columns[j, 0], columns[j, 1]):
                    picture[top, x] = code
            for y in range(top + 1, rows[i, 1]):
                picture[y] = picture[top]


@jit
def paint_rgb(grids, rows, columns, colours, out):
    """Draw grids `(n, h, w)` as RGB `(n, H, 3 W)` uint8 into `out`.

    colours `(k + 1, 3)`: the last is the outside. The other arguments are those of `paint_indices`.
    """
    last = colours.shape[0] - 1
    r, g, b = colours[last, 0], colours[last, 1], colours[last, 2]
    for n in range(grids.shape[0]):
        picture = out[n]
        for x in range(0, picture.shape[1], 3):
            picture[0, x], picture[0, x + 1], picture[0, x + 2] = r, g, b
        for y in range(1, picture.shape[0]):
            picture[y] = picture[0]
        for i in range(rows.shape[0]):
            top = rows[i, 0]
            for j in range(columns.shape[0]):
                code = grids[n, i, j]
                red, green, blue = colours[code, 0], colours[code, 1], colours[code, 2]
                for x in range(3 * columns[j, 0], 3 * columns[j, 1], 3):
                    picture[top, x], picture[top, x + 1], picture[top, x + 2] = red, green, blue
            for y in range(top + 1, rows[i, 1]):
                picture[y] = picture[top]


@jit
def stamp(grids, drawn, rows, columns, masks, ink, out):
    """Draw the glyphs of grids `(n, h, w)` over their palette indices `(n, H, W)` in `out`.

    drawn `(n,)`: which grids have glyphs. masks `(k, cell, cell)`: the pixels of each code's glyph.
    """
    for g in range(grids.shape[0]):
        if not drawn[g]:
            continue
        for i in range(rows.shape[0]):
            for j in range(columns.shape[0]):
                code = grids[g, i, j]
                if code >= masks.shape[0]:
                    continue
                for y in range(masks.shape[1]):
                    for x in range(masks.shape[2]):
                        if masks[code, y, x]:
                            out[g, rows[i, 0] + y, columns[j, 0] + x] = ink


@jit
def nearest(red, green, blue, colours):
    """Return the nearest of the colours `(k, 3)`, and the distances to it and to the second nearest."""
    code, first, second = 0, np.inf, np.inf
    for k in range(colours.shape[0]):
        d = (red - colours[k, 0]) ** 2 + (green - colours[k, 1]) ** 2 + (blue - colours[k, 2]) ** 2
        if d < first:
            code, first, second = k, d, first
        elif d < second:
            second = d
    return code, np.sqrt(first), np.sqrt(second)


@jit
def read_cells(picture, rows, columns, colours, codes, confidence):
    """Fill codes `(h, w)` uint8 and confidence `(h, w)` float32 from a picture `(H, 3 W)` uint8.

    rows `(h, 2)`, columns `(w, 2)`: pixel ranges to average. Confidence is the margin between the nearest
    and the second nearest colour: 1 if the mean is the colour, 0 halfway between them. It is reduced by the
    spread inside the cell.
    """
    for i in range(rows.shape[0]):
        for j in range(columns.shape[0]):
            # Integer sums are exact, so the reading is the same on every machine.
            red, green, blue, square = 0, 0, 0, 0
            for y in range(rows[i, 0], rows[i, 1]):
                for x in range(3 * columns[j, 0], 3 * columns[j, 1], 3):
                    r, g, b = (
                        np.int64(picture[y, x]),
                        np.int64(picture[y, x + 1]),
                        np.int64(picture[y, x + 2]),
                    )
                    red += r
                    green += g
                    blue += b
                    square += r * r + g * g + b * b
            n = (rows[i, 1] - rows[i, 0]) * (columns[j, 1] - columns[j, 0])
            r_mean, g_mean, b_mean = red / n, green / n, blue / n
            variance = max(square / n - r_mean * r_mean - g_mean * g_mean - b_mean * b_mean, 0.0)
            code, first, second = nearest(r_mean, g_mean, b_mean, colours)
            codes[i, j] = code
            confidence[i, j] = (second - first) / (second + first) * max(0.0, 1.0 - np.sqrt(variance) / 128.0)


@jit
def read_batch(pictures, rows, columns, colours, codes, confidence):
    """Run `read_cells` on pictures `(n, H, 3 W)`. codes `(n, h, w)`; confidence `(h, w)` is scratch."""
    for n in range(pictures.shape[0]):
        read_cells(pictures[n], rows, columns, colours, codes[n], confidence)


@jit
def corners_differ(picture, rows, columns, codes, colours, most):
    """Count the points near cells' corners that differ from the cell's colour by over `most` levels.

    picture `(H, 3 W)`; rows `(h, 2)`, columns `(w, 2)`: the pixels of the points, first and last of each
    cell. This finds a board that was read at a wrong place, even if the middles of its cells look right.
    """
    count = 0
    for i in range(rows.shape[0]):
        for j in range(columns.shape[0]):
            code = codes[i, j]
            for a in range(2):
                y = rows[i, a]
                for b in range(2):
                    x = 3 * columns[j, b]
                    for c in range(3):
                        if abs(picture[y, x + c] - colours[code, c]) > most:
                            count += 1
                            break
    return count


@jit
def margins_differ(picture, top, left, outside, most):
    """Return whether the mean of a line along a margin is over `most` levels from the outside colour.

    picture `(H, 3 W)`; top, left: pixels between the lines and the picture's edges; 0 if there is no margin.
    """
    height, width = picture.shape[0], picture.shape[1] // 3
    for side in range(4):
        across, at = side % 2 == 0, top if side % 2 == 0 else left
        if at == 0:
            continue
        if side >= 2:
            at = (height if across else width) - 1 - at
        length = width if across else height
        for c in range(3):
            total, count = 0, 0
            for k in range(0, length, 4):
                total += np.int64(picture[at, 3 * k + c] if across else picture[k, 3 * at + c])
                count += 1
            if abs(total / count - outside[c]) > most:
                return True
    return False


@jit
def row_is_flat(picture, y, corner, step):
    """Return whether every `step`th pixel of row y is near the first pixel of row `corner`."""
    for x in range(0, picture.shape[1], step):
        for c in range(3):
            if abs(np.int64(picture[y, x, c]) - np.int64(picture[corner, 0, c])) > 20:
                return False
    return True


@jit
def inside_bars(picture):
    """Return the rows between the flat bars at the top and bottom of a picture `(H, W, 3)`: start and end.

    Bars are rows whose pixels differ from the picture's corner by at most 20 levels. A picture that is all
    flat has no bars.
    """
    height, step = picture.shape[0], max(1, picture.shape[1] // 256)
    start, end = 0, 0
    while start < height and row_is_flat(picture, start, 0, step):
        start += 1
    while end < height and row_is_flat(picture, height - 1 - end, height - 1, step):
        end += 1
    return start % height, height - end % height
