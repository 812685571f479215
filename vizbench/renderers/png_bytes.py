"""Write pictures of palette indices as PNG files.

Pictures of grids are flat cells, so most lines of pixels repeat the line above. To write that down directly
takes a quarter of the time of Pillow's fastest level, and gives the same bytes on every machine: those of
zlib depend on its version and make.
"""

from __future__ import annotations

import functools
import struct
import zlib

import numpy as np
import numpy.typing as npt

from vizbench.renderers.palettes import Colours
from vizbench.renderers.png_kernels import deflate


def encode_pngs(indices: npt.NDArray[np.uint8], colours: Colours) -> list[bytes]:
    """Return pictures `(n, H, W)` of indices into colours `(k, 3)` as PNG files in palette mode."""
    n, height, width = indices.shape
    depth = _depth(len(colours))
    # A literal takes at most 9 bits. Copies are shorter.
    most = height * (1 + (width * depth + 7) // 8) * 9 // 8 + 16
    out, ends = np.empty(n * most, np.uint8), np.empty(n, np.int64)
    deflate(np.ascontiguousarray(indices), depth, _codes(), out, ends)
    head = _head(height, width, depth, colours.tobytes())
    files: list[bytes] = []
    start = 0
    for end in ends.tolist():
        files.append(head + _chunk(b"IDAT", out[start:end].tobytes()) + _END)
        start = end
    return files


def _depth(colours: int) -> int:
    """Return how many bits a pixel takes."""
    return next(bits for bits in (1, 2, 4, 8) if colours <= 1 << bits)


@functools.lru_cache(1 << 10)
def _head(height: int, width: int, depth: int, palette: bytes) -> bytes:
    """Return all of a file before its pixels."""
    kind = struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0)  # 3: palette mode
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", kind) + _chunk(b"PLTE", palette)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


_END = _chunk(b"IEND", b"")


@functools.cache
def _codes() -> npt.NDArray[np.int64]:
    """Return the fixed codes `(515,)`, each as `bits << 8 | number of bits`, with the first bit lowest.

    0 … 255: the code of a byte. 256 + n: that of a match of n bytes, with its extra bits.
    """
    codes = np.zeros(515, np.int64)
    for value in range(256):
        codes[value] = _literal(value, 0, 0)
    length = 3
    for symbol in range(257, 285):
        extra = max(0, (symbol - 261) // 4)
        for rest in range(1 << extra):
            codes[256 + length] = _literal(symbol, rest, extra)
            length += 1
    codes[256 + 258] = _literal(285, 0, 0)
    return codes


def _literal(symbol: int, rest: int, extra: int) -> int:
    """Return the code of a symbol, followed by `extra` bits of `rest`."""
    if symbol < 144:
        code, bits = 48 + symbol, 8
    elif symbol < 256:
        code, bits = 256 + symbol, 9
    elif symbol < 280:
        code, bits = symbol - 256, 7
    else:
        code, bits = symbol - 88, 8
    turned = int(f"{code:0{bits}b}"[::-1], 2)
    return (turned | rest << bits) << 8 | (bits + extra)
