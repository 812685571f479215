"""Draw pictures with a slow twin, damage them, and list the looks that tests use."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pictures
from PIL import ImageFilter

from vizbench.renderers.layout import layout
from vizbench.renderers.palettes import with_outside
from vizbench.task.registry import families
from vizbench.types import Image

LOOKS = {task.look.palette: task.look for task in families().values()}
"""By palette, the look of a task that uses it."""


def naive_render(grid, look, board=None) -> Image:
    """Draw a grid pixel by pixel, as `frames.render` must."""
    place = layout(look, board or grid.shape)
    colours = with_outside(look.palette)
    out = np.empty((place.height, place.width, 3), np.uint8)
    for y in range(place.height):
        for x in range(place.width):
            i, dy = divmod(y - place.top, place.cell + place.line)
            j, dx = divmod(x - place.left, place.cell + place.line)
            inside = 0 <= i < grid.shape[0] and 0 <= j < grid.shape[1] and dy < place.cell and dx < place.cell
            out[y, x] = colours[grid[i, j]] if inside else colours[-1]
    return out


def blurred(image, radius) -> Image:
    return np.asarray(Pictures.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def noisy(image, seed, sigma=25.0) -> Image:
    noise = np.random.Generator(np.random.PCG64(seed)).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def shifted(image, levels) -> Image:
    return np.clip(image.astype(int) + levels, 0, 255).astype(np.uint8)


def compressed(image, quality=50) -> Image:
    file = io.BytesIO()
    Pictures.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Pictures.open(file))


def resized(image, height, width) -> Image:
    return np.asarray(Pictures.fromarray(image).resize((width, height), Pictures.Resampling.BICUBIC))
