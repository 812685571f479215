"""Make clips from question to target, and write and read them as lossless files.

An mp4 holds H.264 in RGB at quantiser 0 (High 4:4:4 Predictive): it is bit-exact, and VLC, mpv and ffmpeg
play it. Some browsers and hardware players need 4:2:0, which cannot be lossless in RGB: use a GIF for these.
An mkv holds FFV1.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, final

import numpy as np

from vizbench._util.files import atomic_path, check_regular
from vizbench.errors import UserError
from vizbench.renderers.frames import render, render_batch
from vizbench.renderers.layout import MAX_PICTURE, Shape, as_look, common_board
from vizbench.renderers.truncated_files import CUT, is_cut
from vizbench.types import Grid, Grids, Image, Look, Video

MAX_VIDEO_BYTES = 1 << 30
"""Bytes of the largest video file that is read."""

MAX_FRAMES: Final = 1 << 14
"""Frames of the longest clip that is decoded: nine minutes at 30 per second."""

MAX_PIXELS: Final = 1 << 32
"""Pixels of all frames that are decoded: 517 frames of 3840x2160, or 2,071 of 1920x1080."""

Matrix = tuple[int, int, int, int]
"""How a picture is turned: x' = a x + c y, y' = b x + d y, as (a, b, c, d) in fixed point."""

_UNSPECIFIED: Final = 2  # AVCOL_SPC_UNSPECIFIED

_X264: Final = (
    "subme=0:me=dia:trellis=0:partitions=i4x4:ref=1:weightp=0:bframes=0:rc-lookahead=0:scenecut=0:mbtree=0"
)
"""Options of the encoder. Frames of grids repeat, and a search for motion finds nothing more.

Without it, a clip takes a third to a half of the time of the preset alone, and 5% more bytes. The preset
"ultrafast" takes longer, and three times the bytes.
"""

_CODECS: dict[str, tuple[str, str, dict[str, str]]] = {
    # suffix: container, codec, options
    ".mp4": ("mp4", "libx264rgb", {"qp": "0", "preset": "veryfast", "x264-params": _X264}),
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
    """Return a clip `(count, H, W, 3)` uint8 from question to target.

    motion: `discrete` shows the question for the first half (the longer half if count is odd), then the
    target; `linear` blends them in equal parts. board: as in `render`; None: on a canvas each grid's own,
    else the smallest that holds both. Raises UserError unless count is 2 … 1024.
    """
    if not 2 <= count <= 1024:
        raise UserError(f"a clip of {count} frames: give 2 … 1024")
    if motion not in ("discrete", "linear"):
        raise UserError(f"unknown motion {motion!r}: choose discrete or linear")
    board = board or clip_board(as_look(look), question.shape, target.shape)
    start, end = render(question, look, board), render(target, look, board)
    if motion == "discrete":
        half = (count + 1) // 2
        return np.stack([start] * half + [end] * (count - half))
    first, last = start.astype(np.int32), end.astype(np.int32)
    steps = count - 1
    # Integers, rounded half up: the same bytes everywhere.
    blends = [(2 * (first * (steps - i) + last * i) + steps) // (2 * steps) for i in range(count)]
    return np.stack(blends).astype(np.uint8)


def clip_board(look: Look, *shapes: tuple[int, ...]) -> Shape | None:
    """Return the board of all frames of a clip, or None if each grid is drawn on its own on a canvas.

    shapes: those of the grids, `(..., h, w)`.
    """
    return common_board(*shapes) if look.canvas is None else None


def process(question: Grid, steps: Grids, look: Look | str) -> Video:
    """Return the question and then one frame per state: `(1 + k, H, W, 3)` for steps `(k, h, w)`."""
    board = common_board(question.shape, steps.shape)
    return np.concatenate([render(question, look, board)[None], render_batch(steps, look, board)])


def write_video(path: str | Path, video: Video, fps: int = 8) -> None:
    """Write a clip `(T, H, W, 3)` uint8 losslessly as .mp4 or .mkv.

    Raises UserError for any other suffix or shape, and if the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _CODECS:
        raise UserError(
            f"a video cannot be written as {suffix or 'a name without suffix'!r}: choose .mp4, .mkv or .gif, "
            "or .png for a picture"
        )
    _check(video, fps)
    with atomic_path(path) as draft:
        _encode(str(draft), suffix, [(frame, 1) for frame in video], fps)


def encode_clip(shown: Iterable[tuple[Image, int]], fps: int = 8) -> bytes:
    """Return a lossless mp4 that shows pictures `(H, W, 3)` uint8, each for a number of frames, in order."""
    file = io.BytesIO()
    _encode(file, ".mp4", shown, fps)
    return file.getvalue()


def _encode(file: str | io.BytesIO, suffix: str, shown: Iterable[tuple[Image, int]], fps: int) -> None:
    """Encode pictures, each for a number of frames, in order."""
    import av

    name, codec, options = _CODECS[suffix]
    with _opened(file, "w", name) as container:
        stream = container.add_stream(codec, rate=Fraction(fps), options=options)
        stream.pix_fmt = "rgb24" if codec == "libx264rgb" else "bgr0"
        stream.codec_context.thread_count = 1  # else the bytes depend on the cores of the machine
        at = 0
        for picture, count in shown:
            if at == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.time_base = Fraction(1, fps)
            for _ in range(count):
                frame.pts = at
                container.mux(stream.encode(frame))
                at += 1
        container.mux(stream.encode())


@final
class Frame:
    """Hold a decoded frame. Its pixels are converted on request, because most frames are skipped."""

    __slots__ = ("_aspect", "_matrix", "_path", "_raw")

    def __init__(self, raw: Any, aspect: float, matrix: Matrix | None, path: str | Path) -> None:
        """aspect: width of a stored pixel divided by its height. matrix: how to turn it. path: for errors."""
        self._raw = raw
        self._aspect = aspect
        self._matrix = matrix
        self._path = path

    def image(self) -> Image:
        """Return the frame as a player shows it, `(H, W, 3)` uint8. Raises UserError if that fails."""
        with _one_reason(self._path):
            return _turned(_squared(_pixels(self._raw), self._aspect), self._matrix, self._path)


def frames(path: str | Path, max_frames: int = MAX_FRAMES, max_pixels: int = MAX_PIXELS) -> Generator[Frame]:
    """Decode a .mp4, .mkv or .webm file frame by frame, so that memory holds only a few frames.

    max_frames, max_pixels: bounds on the frames and on all their pixels together, and so on the time. The
    first bytes decide the container, so that a playlist with another suffix fetches nothing. Raises UserError
    if the file cannot be read, and after the last frame if the file's header declares more frames.
    """
    # The file's own headers, before a decoder sees it.
    check_regular(path, "video", MAX_VIDEO_BYTES)
    name = _container(path)
    if is_cut(path, name):
        raise UserError(f"{path} {CUT}")

    # The frames, each checked before it is yielded.
    count, pixels = 0, 0
    first: tuple[int, int] | None = None
    matrix: Matrix | None = None
    last: Any = None
    with _one_reason(path), _opened(path, "r", name) as container:
        stream = _stream(container, path)
        aspect = float(stream.sample_aspect_ratio or 1)
        for raw in container.decode(stream):
            size = raw.height, raw.width
            _check_sides(size, path)
            if first is None:
                first, matrix = size, _matrix(raw)
            if size != first:
                raise UserError(f"{path} changes its frame size: it is not read")
            count += 1
            pixels += size[0] * size[1]
            if count > max_frames or pixels > max_pixels:
                raise UserError(f"{path} has over {max_frames} frames or {max_pixels} pixels: it is not read")
            last = raw
            yield Frame(raw, aspect, matrix, path)
        if last is None:
            raise UserError(f"{path} holds no frame")
        if last.is_corrupt or _lacks_frames(stream, last):
            raise UserError(f"{path} {CUT}")


@contextmanager
def _one_reason(path: str | Path) -> Generator[None]:
    """Within the block, turn whatever a decoder raises into a UserError, so that only this file is lost."""
    try:
        yield
    except (UserError, GeneratorExit):
        raise
    except Exception as error:  # ffmpeg raises errors of many kinds
        raise UserError(f"{path} is not a readable video ({type(error).__name__})") from None


def _stream(container: Any, path: str | Path) -> Any:
    """Return the stream that a player shows: the first one that is not a cover picture."""
    attached = 1 << 10  # AV_DISPOSITION_ATTACHED_PIC
    shown = [stream for stream in container.streams.video if not int(stream.disposition) & attached]
    if not shown:
        raise UserError(f"{path} holds no frame")
    context = shown[0].codec_context
    if context.width or context.height:  # some containers do not say before the first frame
        _check_sides((context.height, context.width), path)
    context.options = {"max_pixels": str(MAX_PICTURE * MAX_PICTURE)}
    return shown[0]


def _check_sides(size: tuple[int, int], path: str | Path) -> None:
    if not all(1 <= side <= MAX_PICTURE for side in size):
        raise UserError(f"{path} has frames of {size[0]}x{size[1]} px: sides are 1 … {MAX_PICTURE}")


def _lacks_frames(stream: Any, last: Any) -> bool:
    """Return whether a Matroska track claims to last two frames and 0.2 s longer than its last frame.

    Only the track's own DURATION counts: that of the file includes sound, and a live stream has none.
    """
    stated = _seconds(stream.metadata.get("DURATION", ""))
    if stated is None or last.time is None:
        return False
    held = float((last.duration or 0) * last.time_base)
    rate = float(stream.average_rate or 0)
    slack = max(0.2, 2 * held, 2 / rate if rate else 0.0)
    return stated - (float(last.time) + held) > slack


def _seconds(text: str) -> float | None:
    """Return the seconds of a Matroska tag such as `00:00:04.125000000`; None if it is malformed."""
    match = re.fullmatch(r"(\d{1,4}):(\d{2}):(\d{2}(?:\.\d{1,12})?)", text.strip())
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _pixels(raw: Any) -> Image:
    """Return the pixels of a decoded frame: colours by its matrix and range, alpha over white."""
    options: dict[str, Any] = {}
    # If a file names no matrix, players use that of high definition for large frames.
    if raw.colorspace == _UNSPECIFIED and (raw.width >= 1280 or raw.height > 576):
        options["src_colorspace"] = "ITU709"
    if not any(part.is_alpha for part in raw.format.components):
        return raw.to_ndarray(format="rgb24", **options)
    rgba = raw.to_ndarray(format="rgba", **options).astype(np.uint16)
    alpha = rgba[:, :, 3:]
    return ((rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _squared(image: Image, aspect: float) -> Image:
    """Return the image with square pixels, as players stretch it. An aspect beyond 1/8 … 8 counts as 1."""
    from PIL import Image as Pictures

    height, width = image.shape[:2]
    if not 1 / 8 <= aspect <= 8 or round(width * aspect) == width:
        return image
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    if max(size) > MAX_PICTURE:
        return image
    return np.asarray(Pictures.fromarray(image).resize(size, Pictures.Resampling.BILINEAR))


def _matrix(raw: Any) -> Matrix | None:
    """Return the display matrix of a frame, or None. Call it once per clip: PyAV keeps the frame."""
    for data in raw.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data)[:36])
            return a, b, c, d
    return None


def _turned(image: Image, matrix: Matrix | None, path: str | Path) -> Image:
    """Return the image under its display matrix, which turns by quarters and mirrors."""
    a, b, c, d = matrix or (1, 0, 0, 1)
    if (a or d) and (b or c):
        raise UserError(f"{path} is shown at an angle that is not a multiple of 90 degrees: it is not read")
    if b or c:
        a, d = c, b
        image = image.transpose(1, 0, 2)
    if a < 0:
        image = image[:, ::-1]
    if d < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)


def write_gif(path: str | Path, video: Video, fps: int = 8) -> None:
    """Write a clip as an endless GIF. Over 256 colours in the whole clip are reduced by Pillow.

    Equal frames in a row become one that is shown longer. A GIF counts time in units of 10 ms. Raises
    UserError if the file cannot be written.
    """
    from PIL import Image as Pictures

    _check(video, fps)

    # A palette for the whole clip, if its colours fit.
    packed = video.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, codes = np.unique(packed, return_inverse=True)
    if len(colours) <= 256:
        table = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
        frames = [Pictures.fromarray(c) for c in codes.reshape(packed.shape).astype(np.uint8)]
        for frame in frames:
            frame.putpalette(table.tobytes())
    else:
        frames = [Pictures.fromarray(f).quantize(256) for f in video]
    with atomic_path(path) as draft:
        frames[0].save(
            draft,
            "GIF",
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 / fps),
            loop=0,
            optimize=False,
        )


def _opened(path: str | Path | io.BytesIO, mode: str, name: str) -> Any:
    """Return a PyAV container, untyped because PyAV's own types are partial.

    `name` and the whitelist keep ffmpeg from following references out of the file.
    """
    import av

    library: Any = av
    options = {"protocol_whitelist": "file"} if mode == "r" else {}
    file = path if isinstance(path, io.BytesIO) else str(path)
    return library.open(file, mode, format=name, options=options)


def _check(video: Video, fps: int) -> None:
    """Raise UserError unless a clip and its speed can be written."""
    if video.ndim != 4 or video.shape[3] != 3 or video.dtype != np.uint8 or 0 in video.shape:
        raise UserError(f"a clip of shape {video.shape} and type {video.dtype} is not (T, H, W, 3) uint8")
    if not 1 <= fps <= 100:
        raise UserError(f"fps={fps} is outside 1 … 100")


def _container(path: str | Path) -> str:
    """Return ffmpeg's name of the container, from the first bytes."""
    with open(path, "rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    raise UserError(f"{path} is neither mp4 nor Matroska/WebM: other videos are not read")
