"""Latents, conditioning and one denoising step of every video family against diffusers' own pipeline.

The pipeline is called as its users call it; hooks on its transformer note what it is given and what it says.
Only the VAE's draw is replaced, by its mean, because the two draw from different streams.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

from tests.support import tiny_video as tiny
from vizbench.baselines import cogvideox, ltx, wan
from vizbench.baselines.video.backbone import Backbone
from vizbench.baselines.video.config import VideoConfig

CASES: dict[str, tuple[Any, Callable[[Path], Path]]] = {
    "cogvideox-1.0": (cogvideox.BACKBONE, lambda folder: tiny.cogvideox(folder, "1.0")),
    "cogvideox-1.5": (cogvideox.BACKBONE, lambda folder: tiny.cogvideox(folder, "1.5", invert=False)),
    "cogvideox-1.5-inverted": (cogvideox.BACKBONE, lambda folder: tiny.cogvideox(folder, "1.5", invert=True)),
    "wan-2.1": (wan.BACKBONE, lambda folder: tiny.wan(folder, "2.1")),
    "wan-2.2": (wan.BACKBONE, lambda folder: tiny.wan(folder, "2.2")),
    "wan-2.2-deep": (wan.BACKBONE, lambda folder: tiny.wan(folder, "2.2", tiny.DEEP)),
    "ltx": (ltx.BACKBONE, tiny.ltx),
}

TRAINING = VideoConfig(dtype="float32", sampling_steps=2)


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Return a family and its pipeline, text included."""
    backbone, make = CASES[request.param]
    folder = make(tmp_path_factory.mktemp("official"))
    pipe: Any = getattr(diffusers, backbone.pipeline).from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return backbone, pipe


@pytest.fixture(autouse=True)
def _means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


@torch.no_grad()
def test_the_first_denoising_step_is_the_pipelines(case: tuple[Any, Any]) -> None:
    """Our input to the transformer, and its output, are those of the pipeline.

    Both use the pipeline's own noise and timestep.
    """
    backbone, pipe = case
    example = tiny.examples(1)[0]
    official = _heard(pipe, lambda: _called(backbone, pipe, example.question))
    clips = backbone.encode(pipe, _pixels(example.target))
    noisy = tiny.unpacked(pipe, official["hidden_states"], clips["clip"])
    timesteps = official["timestep"].flatten().max()[None]  # given frames have 0
    text = tiny.official_text(pipe)
    ours = _heard(pipe, lambda: backbone.velocity(pipe, noisy, clips, text, timesteps))
    for name in ("hidden_states", "encoder_hidden_states", "ofs", "encoder_hidden_states_image", "timestep"):
        given: Tensor | None = ours.get(name)
        expected: Tensor | None = official.get(name)
        assert (given is None) == (expected is None), name
        assert given is None or expected is None or torch.equal(given.float(), expected.float()), name
    assert torch.equal(ours["out"], official["out"])


@torch.no_grad()
def test_the_pipeline_decodes_our_latents_to_what_the_vae_makes_of_its_own(case: tuple[Any, Any]) -> None:
    backbone, pipe = case
    example = tiny.examples(1)[0]
    pixels = _pixels(example.target)
    clip = backbone.encode(pipe, pixels)["clip"]
    frames = _called(
        backbone, pipe, example.question, callback_on_step_end=lambda *_: {"latents": tiny.packed(pipe, clip)}
    )
    made = pipe.vae.decode(pipe.vae.encode(pixels).latent_dist.mode()).sample
    expected = (made[0].permute(1, 0, 2, 3) / 2 + 0.5).clamp(0, 1)
    assert frames.shape == expected.shape
    # 2.2 and LTX put its own latents in front and encode it by itself. Only the order of sums differs.
    assert torch.allclose(frames, expected, atol=1e-5)


def test_inverting_the_scale_matters(tmp_path: Path) -> None:
    """Multiplying where the pipeline divides gives another conditioning: a near miss of the tests above."""
    backbone = cogvideox.BACKBONE
    images: list[Tensor] = []
    for invert in (False, True):
        pipe = getattr(diffusers, backbone.pipeline).from_pretrained(
            tiny.cogvideox(tmp_path / str(invert), "1.5", invert)
        )
        with torch.no_grad():
            images.append(backbone.encode(pipe, _pixels(tiny.examples(1)[0].target))["image"])
    assert torch.allclose(images[1], images[0] / 0.7**2)
    assert not torch.allclose(images[1], images[0])


def _pixels(clip: Any) -> Tensor:
    """Return a clip `(T, H, W, 3)` as `(1, 3, T, H, W)` in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(clip)).permute(3, 0, 1, 2)[None].float() / 127.5 - 1.0


def _heard(pipe: Any, call: Callable[[], object]) -> dict[str, Any]:
    """Return the first input of the transformer within a call, and its output."""
    heard: list[dict[str, Any]] = []

    def note(_module: Any, _unnamed: Any, keywords: dict[str, Any], out: Any) -> None:
        heard.append({**keywords, "out": out[0]})

    hook = pipe.transformer.register_forward_hook(note, with_kwargs=True)
    try:
        call()
    finally:
        hook.remove()
    return heard[0]


def _called(backbone: Backbone, pipe: Any, question: Any, **settings: Any) -> Tensor:
    """Return the pipeline's clip `(T, 3, H, W)`, by the family's own call with some more settings."""
    image = torch.from_numpy(question).permute(2, 0, 1)[None].float() / 255
    (clip,) = backbone.sample(tiny.With(pipe, settings), image, tiny.official_text(pipe), TRAINING, [3])
    return clip
