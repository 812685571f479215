"""Clips from question to target, as arrays and as lossless files.

Files are H.264 in RGB at quantiser 0: bit-exact, and an mp4 that VLC, mpv and ffmpeg play (High 4:4:4 Predictive; some
browsers and hardware players want 4:2:0, which cannot be lossless in RGB: use a GIF there). `.mkv` holds FFV1.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vizbench.errors import UserError
from vizbench.renderers.files import atomic, check_file
from vizbench.renderers.frames import render, render_batch
from vizbench.renderers.geometry import Shape, as_look, common_board
from vizbench.types import Grid, Grids, Look, Video

MAX_VIDEO_BYTES = 256 << 20
"""Larger video files are refused unread."""

_CODECS: dict[str, tuple[str, str, dict[str, str]]] = {
    # suffix: container, codec, options
    ".mp4": ("mp4", "libx264rgb", {"qp": "0", "preset": "veryfast"}),
    ".mkv": ("matroska", "ffv1", {"level": "3"}),
}


def clip(
    question: Grid,
    target: Grid,
    look: Look | str,
    count: int = 9,
    motion: Literal["discrete", "linear"] = "discrete",
    board: Shape | None = None,
) -> Video:
    """The way from question to target in `count` frames, `(count, H, W, 3)`: the first is the question, the last the
    target.

    discrete: the question for the first half (the longer half of an odd count), then the target; linear: a blend in
    equal parts. board: as in `render`; None: on a canvas each grid's own, else the smallest that holds both. Raises
    UserError unless count is 2 … 1024.
    """
    if not 2 <= count <= 1024:
        raise UserError(f"a clip of {count} frames: give 2 … 1024")
    if motion not in ("discrete", "linear"):
        raise UserError(f"unknown motion {motion!r}: choose discrete or linear")
    if board is None and as_look(look).canvas is None:
        board = common_board(question.shape, target.shape)
    ends = [render(grid, look, board) for grid in (question, target)]
    if motion == "discrete":
        return np.stack([ends[0] if 2 * i < count else ends[1] for i in range(count)])
    first, last = (end.astype(np.int32) for end in ends)
    # Integers, rounded half up: the same bytes everywhere.
    frames = [(2 * (first * (count - 1 - i) + last * i) + count - 1) // (2 * (count - 1)) for i in range(count)]
    return np.stack(frames).astype(np.uint8)


def process(question: Grid, steps: Grids, look: Look | str) -> Video:
    """The question and then one frame a state: `(1 + k, H, W, 3)` for steps `(k, h, w)`."""
    board = common_board(question.shape, steps.shape)
    return np.concatenate([render(question, look, board)[None], render_batch(steps, look, board)])


def write_video(path: str | Path, video: Video, fps: int = 8) -> None:
    """Write a clip `(T, H, W, 3)` uint8 losslessly as .mp4 or .mkv. Raises UserError for other suffixes and for I/O."""
    import av

    suffix = Path(path).suffix.lower()
    if suffix not in _CODECS:
        raise UserError(
            f"a video cannot be written as {suffix or 'a name without suffix'!r}: choose .mp4, .mkv or .gif, "
            "or .png for a picture"
        )
    _check(video, fps)
    name, codec, options = _CODECS[suffix]
    with atomic(path) as part, _opened(part, "w", name) as container:
        stream = container.add_stream(codec, rate=Fraction(fps), options=options)
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = "rgb24" if codec == "libx264rgb" else "bgr0"
        for frame in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


def read_video(path: str | Path, max_frames: int = 1024, max_pixels: int = 1 << 28) -> Video:
    """Read a .mp4, .mkv or .webm file as `(T, H, W, 3)` uint8.

    max_frames, max_pixels: bounds on the frames and on all their pixels together, checked before each is decoded. The
    container is told by its first bytes, so that a playlist in disguise fetches nothing. Raises UserError.
    """
    check_file(path, MAX_VIDEO_BYTES)
    name = _container(path)
    frames: list[Any] = []
    try:
        with _opened(path, "r", name) as container:
            stream = container.streams.video[0]
            pixels = stream.codec_context.width * stream.codec_context.height
            if not 0 < pixels <= max_pixels:
                raise UserError(f"{path} has frames of {pixels} pixels: 1 … {max_pixels} are read")
            for frame in container.decode(stream):
                pixels += frame.width * frame.height if frames else 0
                if len(frames) == max_frames or pixels > max_pixels:
                    raise UserError(f"{path} has over {max_frames} frames or {max_pixels} pixels: it is not read")
                if frames and frame.width * frame.height * 3 != frames[0].size:
                    raise UserError(f"{path} changes its frame size: it is not read")
                frames.append(frame.to_ndarray(format="rgb24"))
    except UserError:
        raise
    except Exception as error:  # ffmpeg's errors are of many kinds
        raise UserError(f"{path} is no readable video ({type(error).__name__})") from None
    if not frames:
        raise UserError(f"{path} holds no frame")
    return np.stack(frames)


def write_gif(path: str | Path, video: Video, fps: int = 8) -> None:
    """Write a clip as an endless GIF: exact up to 256 colours over the clip, else reduced by Pillow's quantiser.

    Equal frames in a row become one that stays longer. A GIF's clock ticks in 10 ms.
    """
    from PIL import Image as Pictures

    _check(video, fps)
    packed = video.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, codes = np.unique(packed, return_inverse=True)
    if len(colours) <= 256:
        table = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
        frames = [Pictures.fromarray(c) for c in codes.reshape(packed.shape).astype(np.uint8)]
        for frame in frames:
            frame.putpalette(table.tobytes())
    else:
        frames = [Pictures.fromarray(f).quantize(256) for f in video]
    with atomic(path) as part:
        frames[0].save(
            part, "GIF", save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0, optimize=False
        )


def _opened(path: str | Path, mode: str, name: str) -> Any:
    """A PyAV container, untyped because PyAV's own types are partial. `name` and the whitelist keep ffmpeg from
    following references out of the file."""
    import av

    library: Any = av
    options = {"protocol_whitelist": "file"} if mode == "r" else {}
    return library.open(str(path), mode, format=name, options=options)


def _check(video: Video, fps: int) -> None:
    if video.ndim != 4 or video.shape[3] != 3 or video.dtype != np.uint8 or 0 in video.shape:
        raise UserError(f"a clip of shape {video.shape} and type {video.dtype} is not (T, H, W, 3) uint8")
    if not 1 <= fps <= 100:
        raise UserError(f"fps={fps} is outside 1 … 100")


def _container(path: str | Path) -> str:
    """ffmpeg's name of the container, from the first bytes."""
    with open(path, "rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    raise UserError(f"{path} is neither mp4 nor Matroska/WebM: other videos are not read")
