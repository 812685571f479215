"""Test that pictures and clips are read as a viewer or a player shows them."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as Pictures

from tests.support.videos import read_video
from vizbench.errors import UserError
from vizbench.renderers.pictures import read_png
from vizbench.renderers.video import frames

RED_OVER_BLUE = np.zeros((32, 48, 3), np.uint8)
RED_OVER_BLUE[:16] = 200, 30, 30
RED_OVER_BLUE[16:, :20] = 30, 30, 200
OTHER = np.full((32, 48, 3), 90, np.uint8)


def written(path, clip, codec="libx264", pix="yuv444p", tune=None, **options):
    library: Any = av
    with library.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=Fraction(8), options={"g": "1"})
        stream.height, stream.width = clip[0].shape[:2]
        stream.pix_fmt = pix
        if tune:
            tune(stream)
        for image in clip:
            form = "rgba" if image.shape[2] == 4 else "rgb24"
            container.mux(
                stream.encode(library.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=form))
            )
        container.mux(stream.encode())


def near(image, expected, levels=12):
    return image.shape == expected.shape and np.abs(image.astype(int) - expected).mean() < levels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_the_exif_orientation_is_applied(tmp_path, orientation, suffix):
    turns = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: np.rot90,
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    stored = turns[orientation](RED_OVER_BLUE)
    tags = Pictures.Exif()
    tags[0x112] = orientation
    Pictures.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a.{suffix}", exif=tags, lossless=True)
    assert np.array_equal(read_png(tmp_path / f"a.{suffix}"), RED_OVER_BLUE)


def test_transparent_pixels_are_white(tmp_path):
    rgba = np.dstack([RED_OVER_BLUE, np.full((32, 48), 255, np.uint8)])
    rgba[:8] = 0
    expected = RED_OVER_BLUE.copy()
    expected[:8] = 255
    Pictures.fromarray(rgba).save(tmp_path / "rgba.png")
    Pictures.fromarray(RED_OVER_BLUE).save(tmp_path / "key.png", transparency=(200, 30, 30))
    grey = np.dstack([np.full((8, 8), 50, np.uint8), np.zeros((8, 8), np.uint8)])
    Pictures.fromarray(grey, "LA").save(tmp_path / "la.png")
    assert np.array_equal(read_png(tmp_path / "rgba.png"), expected)
    assert (read_png(tmp_path / "key.png")[:16] == 255).all()
    assert (read_png(tmp_path / "la.png") == 255).all()


def test_grey_of_16_bits_is_scaled(tmp_path):
    grey = np.array([[0, 257 * 128, 65535]], np.uint16).repeat(4, axis=0)
    for name, order in (("a.png", "<u2"), ("b.tif", "<u2"), ("c.tif", ">u2")):
        Pictures.fromarray(grey.astype(order)).save(tmp_path / name)
        assert read_png(tmp_path / name)[0, :, 1].tolist() == [0, 128, 255]


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_the_last_frame_of_an_animation_counts(tmp_path, suffix):
    first, last = (Pictures.fromarray(one) for one in (OTHER, RED_OVER_BLUE))
    extra: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[last], **extra)
    assert near(read_png(tmp_path / f"a.{suffix}"), RED_OVER_BLUE, 1)
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"b.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(UserError, match=r"b\."):
        read_png(tmp_path / f"b.{suffix}")


def test_the_first_page_of_a_tiff_counts(tmp_path):
    first, thumbnail = Pictures.fromarray(RED_OVER_BLUE), Pictures.fromarray(OTHER[::2, ::2])
    first.save(tmp_path / "a.tif", save_all=True, append_images=[thumbnail])
    assert near(read_png(tmp_path / "a.tif"), RED_OVER_BLUE, 1)


@pytest.mark.parametrize(
    ("degrees", "flips"), [(90, {}), (180, {}), (270, {}), (0, {"hflip": True}), (90, {"vflip": True})]
)
def test_a_clip_is_turned_as_players_turn_it(tmp_path, degrees, flips):
    path = tmp_path / "a.mp4"
    written(path, [RED_OVER_BLUE] * 3, tune=lambda stream: stream.set_display_rotation(degrees, **flips))
    expected = np.rot90(RED_OVER_BLUE, degrees // 90)
    if flips.get("hflip"):
        expected = expected[:, ::-1]
    if flips.get("vflip"):
        expected = expected[::-1]
    assert near(read_video(path)[-1], expected)


@pytest.mark.parametrize(
    ("codec", "pix", "suffix"),
    [("libx264", "yuvj444p", "mp4"), ("libx264", "yuv444p10le", "mp4"), ("libx264rgb", "rgb24", "mp4"),
     ("libx264", "gray", "mp4"), ("libvpx-vp9", "gbrp", "webm"), ("prores_ks", "yuv444p10le", "mov")],
)  # fmt: skip
def test_kinds_of_colour_are_read_as_shown(tmp_path, codec, pix, suffix):
    path = tmp_path / f"a.{suffix}"
    clip = [np.repeat(RED_OVER_BLUE[:, :, :1], 3, axis=2) if pix == "gray" else RED_OVER_BLUE] * 3
    written(path, clip, codec, pix)
    assert near(read_video(path)[-1], clip[0])


def test_alpha_of_a_clip_is_laid_over_white_and_pixels_are_made_square(tmp_path):
    rgba = np.dstack([RED_OVER_BLUE, np.full((32, 48), 255, np.uint8)])
    rgba[:8, :, 3] = 0
    written(tmp_path / "a.mov", [rgba] * 2, "qtrle", "argb")
    assert (read_video(tmp_path / "a.mov")[-1][:8] == 255).all()

    def stretch(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

    written(tmp_path / "b.mp4", [RED_OVER_BLUE] * 2, tune=stretch)
    assert near(read_video(tmp_path / "b.mp4")[-1], RED_OVER_BLUE.repeat(2, axis=1))


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("mkv", {}),
        ("mp4", {"movflags": "faststart"}),
        ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ],
)
@pytest.mark.parametrize("share", [0.45, 0.7, 0.97])
def test_a_clip_that_was_cut_off_is_not_read(tmp_path, suffix, options, share):
    noise = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (33, 32, 48, 3)).astype(np.uint8)
    written(tmp_path / f"a.{suffix}", noise, **options)
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    assert sum(1 for _ in frames(tmp_path / f"a.{suffix}")) == 33
    (tmp_path / f"b.{suffix}").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match="ends before its end"):
        read_video(tmp_path / f"b.{suffix}")


def test_a_live_stream_without_a_length_is_read(tmp_path):
    written(tmp_path / "a.webm", [OTHER, RED_OVER_BLUE], "libvpx", "yuv420p", live="1")
    assert len(read_video(tmp_path / "a.webm")) == 2


def test_a_frame_size_that_changes_at_the_same_area_is_one_reason(tmp_path):
    for name, image in (("a", RED_OVER_BLUE), ("b", RED_OVER_BLUE.transpose(1, 0, 2))):
        written(tmp_path / f"{name}.mkv", [image] * 3, "libvpx", "yuv420p")
    library: Any = av
    with library.open(str(tmp_path / "c.webm"), "w") as out:
        parts = [library.open(str(tmp_path / f"{name}.mkv")) for name in "ab"]
        stream = out.add_stream_from_template(parts[0].streams.video[0])
        packets = chain.from_iterable(part.demux(video=0) for part in parts)
        timed = filter(lambda packet: packet.dts is not None, packets)
        for number, packet in enumerate(timed):
            packet.stream = stream
            packet.pts = packet.dts = number * 125
            out.mux(packet)
        for part in parts:
            part.close()
    with pytest.raises(UserError, match="changes its frame size"):
        read_video(tmp_path / "c.webm")


def test_a_long_clip_is_streamed(tmp_path):
    """More frames than were read at once, and more pixels than memory is given to."""
    written(tmp_path / "a.mp4", [OTHER] * 1100 + [RED_OVER_BLUE], preset="ultrafast")
    *_, last = frames(tmp_path / "a.mp4")
    assert near(last.image(), RED_OVER_BLUE)
