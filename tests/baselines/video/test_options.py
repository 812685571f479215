"""Test the options of video checkpoints: tiles, pictures during training, fewer bits, the length of clips."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pictures
from torch import Tensor

from tests.baselines.video.test_model import FAMILIES, QUICK
from tests.support import tiny_video as tiny
from vizbench.baselines import cogvideox, ltx, wan
from vizbench.baselines.embedded.video.model import embedded_model
from vizbench.baselines.shared.hub import Weights
from vizbench.baselines.shared.memory import FROZEN
from vizbench.baselines.video import checkpoint as folders
from vizbench.baselines.video import model as video
from vizbench.baselines.video.checkpoint import VideoCheckpoint, _quantisation, check_device, check_frames
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.model import VideoLora
from vizbench.errors import UserError
from vizbench.model import Example
from vizbench.seeds import stream

TILES: dict[str, dict[str, int]] = {
    "cogvideox-1.5": {"tile_sample_min_height": 48, "tile_sample_min_width": 40},
    "wan-2.1": {
        "tile_sample_min_height": 48, "tile_sample_min_width": 48,
        "tile_sample_stride_height": 32, "tile_sample_stride_width": 32,
    },
    "ltx": {
        "tile_sample_min_height": 64, "tile_sample_min_width": 64,
        "tile_sample_stride_height": 32, "tile_sample_stride_width": 32,
    },
}  # fmt: skip
"""Tiles that a test can pay for; diffusers' own have 240x360 pixels, 256x256 and 512x512."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "home"))


def _model(name: str, folder: Path, config: VideoConfig) -> VideoLora:
    backbone, make = FAMILIES[name]
    place = folder if folder.exists() else make(folder)
    return VideoLora(backbone, VideoCheckpoint(backbone, Weights(place, "d" * 16), config), config)


@torch.no_grad()
def _coded(vae: Any, cells: int) -> tuple[Tensor, Tensor]:
    """Return latents of a clip of random cells of 8x8 pixels, and what they are decoded to."""
    grid = np.random.default_rng(0).integers(0, 2, (1, 1, 1, cells, cells))
    pixels = torch.from_numpy(np.kron(grid, np.ones((1, 3, 9, 8, 8)))).float() * 2 - 1
    latents = vae.encode(pixels).latent_dist.mode()
    return latents, vae.decode(latents).sample


@pytest.mark.parametrize("name", TILES)
def test_tiles_change_what_is_larger_than_one_and_nothing_else(name: str, tmp_path: Path) -> None:
    """Tiles change little with trained weights only: random ones let a cell see the whole picture."""
    plain, tiled = (
        _model(name, tmp_path / "m", replace(QUICK, tiling=on))._source.open(0)[0].vae for on in (False, True)
    )
    assert (plain.use_tiling, tiled.use_tiling) == (False, True)
    tiled.enable_tiling(**TILES[name])
    for one, two in zip(_coded(plain, 4), _coded(tiled, 4), strict=True):
        assert torch.equal(one, two)
    for one, two in zip(_coded(plain, 12), _coded(tiled, 12), strict=True):
        assert one.shape == two.shape
        assert not torch.equal(one, two)  # each tile is seen by itself
    if name == "ltx":  # no norm or attention there looks beyond a cell: far from the seams all stays
        assert torch.equal(_coded(plain, 12)[0][..., 0, 0], _coded(tiled, 12)[0][..., 0, 0])


@pytest.mark.parametrize("name", TILES)
def test_slicing_changes_nothing(name: str, tmp_path: Path) -> None:
    vae = _model(name, tmp_path / "m", QUICK)._source.open(0)[0].vae
    assert vae.use_slicing
    pixels = torch.rand(2, 3, 9, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        both = vae.encode(pixels).latent_dist.mode()
        each = [vae.encode(clip[None]).latent_dist.mode() for clip in pixels]
        assert torch.equal(both, torch.cat(each))
        assert torch.equal(
            vae.decode(both).sample, torch.cat([vae.decode(latents).sample for latents in each])
        )


@pytest.mark.parametrize("name", ["cogvideox-1.5", "ltx"])
def test_pictures_amid_the_training_show_the_answer_and_change_no_step(name: str, tmp_path: Path) -> None:
    examples = tiny.examples(2)
    config = replace(QUICK, steps=4)
    silent = _model(name, tmp_path / "m", config)
    figures = silent.adapt(examples, tiny.context())
    shown = _model(name, tmp_path / "m", replace(config, sample_every=2))
    assert shown.adapt(examples, tiny.context())["loss"] == figures["loss"]
    two, four = sorted((tmp_path / "home" / "adapters").rglob("*.png"))
    assert (two.name, four.name) == ("step-0000002.png", "step-0000004.png")
    assert two.parent == four.parent
    before, last = (np.asarray(Pictures.open(path)) for path in (two, four))
    assert not np.array_equal(before, last)
    assert shown._adapted is not None
    clip = shown._sample(*shown._adapted, [examples[0].question], [stream("picture") >> 1])[0]
    assert np.array_equal(last, clip[-1])


def test_fewer_bits_need_a_gpu_and_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.ltx(tmp_path / "m")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for backbone in ("int8", "nf4"):
        with pytest.raises(
            UserError, match=rf"backbone={backbone} needs a GPU, and there is none: leave it out"
        ):
            _model("ltx", folder, replace(QUICK, backbone=backbone))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"nf4 needs bitsandbytes, .* pip install '\.\[quantised\]'"):
        check_device(folder, 0, replace(QUICK, backbone="nf4"))


@pytest.mark.parametrize("backbone", ["int8", "nf4"])
@pytest.mark.parametrize("name", FAMILIES)
def test_fewer_bits_learn_where_diffusers_lets_a_cpu_pass(
    name: str, backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training runs as on a GPU, except that the quantiser's search for one is replaced.

    Questions are asked in 8 bits only. To answer in 4 bits, bitsandbytes packs them for the processor, in
    shapes that no model here has.
    """
    bits: Any = importlib.import_module("diffusers.quantizers.bitsandbytes.bnb_quantizer")
    for kind in (bits.BnB8BitDiffusersQuantizer, bits.BnB4BitDiffusersQuantizer):
        monkeypatch.setattr(kind, "validate_environment", lambda *_, **__: None)
        monkeypatch.setattr(kind, "update_device_map", lambda *_: {"": "cpu"})
    monkeypatch.setattr(folders, "check_device", lambda *_: torch.device("cpu"))
    shown, whole, losses = tiny.examples(2), list[float](), list[float]()
    plain = _model(name, tmp_path / "m", replace(QUICK, steps=20))
    plain.adapt(shown, replace(tiny.context(), report=lambda done: whole.append(done.loss)))
    heard = replace(tiny.context(), report=lambda done: losses.append(done.loss))
    model = _model(name, tmp_path / "m", replace(QUICK, backbone=backbone, steps=20))
    model.adapt(shown, heard)
    assert losses == pytest.approx(whole, rel={"int8": 0.005, "nf4": 0.15}[backbone])  # .002 and .09 at most
    assert losses != whole
    pipe: Any = model._adapted and model._adapted[0]
    layers = [m for m in pipe.transformer.modules() if type(m).__name__ in ("Linear8bitLt", "Linear4bit")]
    assert {m.weight.dtype for m in layers} == {torch.int8 if backbone == "int8" else torch.uint8}
    under = {n.partition(".lora_")[0] for n, _ in pipe.transformer.named_parameters() if ".lora_" in n}
    assert all(pipe.transformer.get_submodule(f"{n}.base_layer") in layers for n in under)
    if backbone == "int8":
        (answer,) = next(model.predict([shown[0].question], 1, 0))
        assert answer.shape == shown[0].target.shape
        again = _model(name, tmp_path / "m", replace(QUICK, backbone=backbone, steps=20))
        again.adapt(shown, heard)  # reads back what was saved
        assert len(losses) == 20
        assert np.array_equal(next(again.predict([shown[0].question], 1, 0))[0], answer)


def test_four_bits_are_scaled_as_the_memory_estimate_counts() -> None:
    """A number takes .516 bytes: 4 bits, 8 of a scale per 64 numbers, 32 of a scale per 256 scales.

    Without the second scale it takes .5625 bytes.
    """
    quantisation = _quantisation(replace(QUICK, backbone="nf4"))
    assert quantisation.quant_kwargs["bnb_4bit_use_double_quant"]
    assert quantisation.components_to_quantize == ["transformer"]
    assert FROZEN["nf4"] == pytest.approx((4 + 8 / 64 + 32 / 64 / 256) / 8, abs=5e-4)


@pytest.mark.parametrize(
    ("backbone", "right", "wrong"),
    [
        (cogvideox.BACKBONE, (9, 17, 25), {2: 9, 5: 9, 12: 17, 13: 17}),
        (wan.BACKBONE, (5, 9, 13), {2: 5, 8: 9, 10: 13}),
        (ltx.BACKBONE, (9, 17), {2: 9, 5: 9, 10: 17, 13: 17}),
    ],
)
def test_clips_have_a_length_that_the_vae_keeps(
    backbone: Any, right: tuple[int, ...], wrong: dict[int, int]
) -> None:
    for frames in right:
        check_frames(backbone, frames)
    for frames, next_one in wrong.items():
        with pytest.raises(
            UserError, match=rf"frames={frames} is not {backbone.stride}N\+1, .* frames={next_one}$"
        ):
            check_frames(backbone, frames)


@pytest.mark.parametrize(
    ("name", "frames"), [("cogvideox-1.5", 17), ("cogvideox-1.0", 17), ("wan-2.1", 5), ("ltx", 17)]
)
def test_answers_are_as_long_as_the_clips(name: str, frames: int, tmp_path: Path) -> None:
    model = _model(name, tmp_path / "m", replace(QUICK, steps=1, frames=frames))
    example = tiny.examples(1, frames)[0]
    model.adapt([example], tiny.context())
    ((answer,),) = model.predict([example.question], 1, 0)
    assert answer.shape == example.target.shape


def test_a_deeper_vae_takes_a_canvas_of_its_own(tmp_path: Path) -> None:
    """TI2V-5B has tokens of 32x32 pixels."""
    pipe, _ = VideoLora(
        wan.BACKBONE,
        VideoCheckpoint(wan.BACKBONE, Weights(tiny.wan(tmp_path / "m", "2.2", tiny.DEEP), "d" * 16), QUICK),
        QUICK,
    )._source.open(0)
    assert wan.BACKBONE.canvas(pipe, 272, 336) == (288, 352)
    assert wan.BACKBONE.canvas(pipe, 288, 1) == (288, 32)


def test_clips_that_are_sampled_together_are_those_sampled_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The free memory decides how many. A pipeline that takes one image per call gets one."""
    model = _model("cogvideox-1.5", tmp_path / "m", replace(QUICK, steps=2))
    model.adapt(tiny.examples(3), tiny.context())
    questions, shape = [example.question for example in tiny.examples(3)], (9, 32, 32, 3)
    source: Any = model._source
    assert source.sampling_rows(shape) == folders.TOGETHER
    together = [clip for (clip,) in model.predict(questions, 1, 7)]
    assert model._merges
    monkeypatch.setattr(folders, "unused_memory", lambda: 1.0)
    assert source.sampling_rows(shape) == 1
    for one, (alone,) in zip(together, model.predict(questions, 1, 7), strict=True):
        assert np.abs(one.astype(int) - alone.astype(int)).max() <= 1
    other: Any = _model("ltx", tmp_path / "ltx", QUICK)._source
    assert other.sampling_rows(shape) == 1


def test_only_embedded_weights_keep_to_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their answers are alike on every machine. A real model takes all threads that torch has."""
    seen: list[int] = []
    monkeypatch.setattr(video, "train", lambda *_: seen.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        _model("ltx", tmp_path / "m", QUICK).adapt(tiny.examples(1), tiny.context())
        small = tiny.examples(1)[0]
        clip = small.target[[0, -1]].repeat(2, 1).repeat(2, 2)  # cells of 8 pixels
        embedded_model("tiny").adapt([Example(clip[0], clip)], tiny.context())
        assert seen == [2, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("version", ["1.0", "1.5"])
def test_a_board_beyond_the_last_place_is_refused(version: str, tmp_path: Path) -> None:
    model = _model(f"cogvideox-{version}", tmp_path / "m", QUICK)
    large = np.zeros((9, 32, 40, 3), np.uint8)
    with pytest.raises(UserError, match="a clip of 32x40 pixels exceeds this CogVideoX's 32x32"):
        model.adapt([Example(large[0], large)], tiny.context())
