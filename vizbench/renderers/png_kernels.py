"""Compress pictures of flat cells in compiled code, by deflate (RFC 1951) with its fixed codes."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit

_LONGEST = 258
"""Bytes of the longest match."""

_FARTHEST = 1 << 15
"""Bytes from a match back to what it repeats, at most."""

_LINES = 5
"""Different lines of pixels that are compared, the present one among them."""


@jit
def put(out, at, held, bits, value, count):
    """Append `count` bits of `value`, the lowest first. Returns the next byte's place and the bits held."""
    held |= np.uint64(value) << np.uint64(bits)
    bits += count
    while bits >= 8:
        out[at] = held & np.uint64(255)
        held >>= np.uint64(8)
        bits -= 8
        at += 1
    return at, held, bits


@jit
def put_match(out, at, held, bits, length, distance, codes):
    """Append copies of `length` bytes in all from `distance` bytes before, in matches of 3 to 258 bytes.

    length: at least 3.
    """
    low = np.int64(distance) - 1
    extra = 0
    while low >> (extra + 2):
        extra += 1
    symbol = low if extra == 0 else 2 * extra + (low >> extra)
    rest = low & ((1 << extra) - 1)
    turned = 0
    for k in range(5):
        turned |= (symbol >> k & 1) << (4 - k)
    while length:
        now = min(length, _LONGEST)
        if 0 < length - now < 3:  # the rest too must be a match
            now = length - 3
        code = codes[256 + now]
        at, held, bits = put(out, at, held, bits, code >> 8, code & 255)
        at, held, bits = put(out, at, held, bits, turned | rest << 5, 5 + extra)
        length -= now
    return at, held, bits


@jit
def run_length(line, x, other, start):
    """Return how many bytes of `line` from x on are those of `other` from `start` on."""
    count = 0
    while x + count < len(line) and line[x + count] == other[start + count]:
        count += 1
    return count


@jit
def put_line(out, at, held, bits, lines, starts, now, codes):
    """Append line `now` as literals, as runs of one byte, and as copies from the lines before it.

    lines `(k, stride)`: the last different lines in a ring. starts `(k,)`: the number of each in the picture,
    or -1.
    """
    line = lines[now]
    x = 0
    while x < len(line):
        distance, length = 1, run_length(line, x, line, x - 1) if x else 0
        for back in range(1, len(lines)):
            other = (now - back) % len(lines)
            if starts[other] < 0:
                break
            copy = run_length(line, x, lines[other], x)
            if copy > length:
                distance, length = (starts[now] - starts[other]) * len(line), copy
        if length < 3 or distance > _FARTHEST:
            code = codes[line[x]]
            at, held, bits = put(out, at, held, bits, code >> 8, code & 255)
            x += 1
            continue
        at, held, bits = put_match(out, at, held, bits, length, distance, codes)
        x += length
    return at, held, bits


@jit
def pack(pixels, depth, line):
    """Fill a line of a PNG: the byte 0, for no filter, then the pixels with `depth` bits each."""
    per = 8 // depth
    line[0] = 0
    for k in range(1, len(line)):
        start = (k - 1) * per
        value = 0
        for x in range(start, start + per):
            value = value << depth | (pixels[x] if x < len(pixels) else 0)
        line[k] = value


@jit
def is_same(one, other):
    """Return whether two lines of pixels are the same. Without an early end, it runs on vectors."""
    difference = np.uint8(0)
    for x in range(len(one)):
        difference |= one[x] ^ other[x]
    return difference == 0


@jit
def deflate(pictures, depth, codes, out, ends):
    """Write pictures `(n, H, W)` of palette indices as zlib streams of PNG lines, one after the other.

    depth: bits per pixel. codes `(515,)`: see `png_bytes`. ends `(n,)`: gets the end of each stream in `out`.
    """
    height, width = pictures.shape[1:]
    stride = 1 + (width * depth + 7) // 8
    lines, starts = np.zeros((_LINES, stride), np.uint8), np.empty(_LINES, np.int64)
    at = 0
    for n in range(len(pictures)):
        # The header of zlib, and that of a last block with fixed codes.
        out[at], out[at + 1] = 0x78, 0x01
        at, held, bits = put(out, at + 2, np.uint64(0), 0, 3, 3)

        # Lines of pixels that repeat are copied, however many. Their share of the checksum is known too.
        low, high, y, now = 1, 0, 0, 0
        starts[:] = -1
        while y < height:
            pixels = pictures[n, y]
            now = (now + 1) % _LINES
            line, starts[now] = lines[now], y
            pack(pixels, depth, line)
            at, held, bits = put_line(out, at, held, bits, lines, starts, now, codes)
            total, weighted = 0, 0
            for k in range(stride):
                total += np.int64(line[k])
                weighted += (stride - k) * np.int64(line[k])
            same = 0
            while y + same < height and is_same(pixels, pictures[n, y + same]):
                high = (high + stride * low + weighted) % 65521
                low = (low + total) % 65521
                same += 1
            starts[now] = y + same - 1  # its last copy is the nearest
            y += same
            if same > 1 and stride * (same - 1) < 3:
                for k in range(stride):
                    at, held, bits = put(out, at, held, bits, codes[line[k]] >> 8, codes[line[k]] & 255)
            elif same > 1:
                at, held, bits = put_match(out, at, held, bits, stride * (same - 1), stride, codes)

        # The end of the block, filled up to a byte, and the checksum.
        at, held, bits = put(out, at, held, bits, 0, 7)
        at, held, bits = put(out, at, held, bits, 0, (8 - bits) % 8)
        for value in (high >> 8, high & 255, low >> 8, low & 255):
            out[at] = value
            at += 1
        ends[n] = at
