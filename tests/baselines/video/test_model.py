"""Test every video family on tiny random models of the real classes: trained, sampled, stored, read back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.support import tiny_video as tiny
from vizbench.baselines import cogvideox, ltx, wan
from vizbench.baselines.shared import training_state
from vizbench.baselines.shared.hub import Weights
from vizbench.baselines.video.backbone import Backbone
from vizbench.baselines.video.checkpoint import VideoCheckpoint
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.model import VideoLora, start
from vizbench.errors import UserError
from vizbench.model import Progress
from vizbench.renderers.decode import decode

FAMILIES: dict[str, tuple[Backbone, Callable[[Path], Path]]] = {
    "cogvideox-1.0": (cogvideox.BACKBONE, lambda folder: tiny.cogvideox(folder, "1.0")),
    "cogvideox-1.5": (cogvideox.BACKBONE, lambda folder: tiny.cogvideox(folder, "1.5", invert=True)),
    "wan-2.1": (wan.BACKBONE, lambda folder: tiny.wan(folder, "2.1")),
    "wan-2.2": (wan.BACKBONE, lambda folder: tiny.wan(folder, "2.2")),
    "ltx": (ltx.BACKBONE, tiny.ltx),
}

ALL = (
    "to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "ffn.net.0.proj", "ffn.net.2", "proj_in",
    "proj_out", "patch_embed.proj", "patch_embedding",
)  # fmt: skip
"""A random base needs more than its attention changed."""

QUICK = VideoConfig(
    rank=4,
    alpha=2,
    targets=wan.TARGETS,
    batch=2,
    steps=20,
    lr=1e-2,
    dtype="float32",
    sampling_steps=2,
    save_minutes=0,
    checkpointing="false",
)


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Backbone, Path]:
    backbone, make = FAMILIES[request.param]
    return backbone, make(tmp_path_factory.mktemp("folder"))


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "home"))


def _model(case: tuple[Backbone, Path], config: VideoConfig = QUICK) -> VideoLora:
    backbone, folder = case
    return VideoLora(backbone, VideoCheckpoint(backbone, Weights(folder, "d" * 16), config), config)


def _answers(model: VideoLora, count: int = 1) -> list[Any]:
    questions = [example.question for example in tiny.examples(count)]
    return [clip for (clip,) in model.predict(questions, 1, 7)]


def _error(case: tuple[Backbone, Path], pipe: Any, text: Any, model: VideoLora) -> float:
    """Return the loss on the first clips, always at the same timesteps and noise."""
    backbone, _ = case
    clips = [model._encoded(pipe, example.target) for example in tiny.examples(2)]
    batch = {name: torch.cat([clip[name] for clip in clips]) for name in clips[0]}
    with torch.no_grad():
        losses = [
            backbone.loss(pipe, batch, text, QUICK, torch.Generator().manual_seed(s)).item() for s in range(8)
        ]
    return float(np.mean(losses))


def test_training_lowers_the_loss_and_the_saved_adapter_gives_the_same_sample(
    case: tuple[Backbone, Path], tmp_path: Path
) -> None:
    backbone, folder = case
    model = _model(case)
    seen: list[Progress] = []
    pipe, text = model._source.open(0)
    before = _error(case, pipe, text, model)
    figures = model.adapt(tiny.examples(2), tiny.context(seen))
    assert [p.done for p in seen] == list(range(1, 21))
    assert _error(case, pipe, text, model) < 0.98 * before
    assert figures["steps"] == 20
    answer = _answers(model)[0]
    assert answer.shape == (9, 32, 32, 3)
    assert answer.dtype == np.uint8

    again = _model(case)
    reports: list[Progress] = []
    again.adapt(tiny.examples(2), tiny.context(reports))
    assert reports == []  # read back, not trained
    assert np.array_equal(_answers(again)[0], answer)

    (adapter,) = (tmp_path / "home" / "adapters").iterdir()
    plain = _plain(backbone, folder)
    base = _sampled(backbone, plain, text)
    plain.load_lora_weights(adapter)
    assert torch.equal(_sampled(backbone, plain, text), _sampled(backbone, pipe, text))
    assert not torch.equal(_sampled(backbone, plain, text), base)


def test_alpha_travels_with_the_adapter(case: tuple[Backbone, Path], tmp_path: Path) -> None:
    backbone, folder = case
    _model(case, replace(QUICK, steps=1)).adapt(tiny.examples(1), tiny.context())
    (adapter,) = (tmp_path / "home" / "adapters").iterdir()
    plain = _plain(backbone, folder)
    plain.load_lora_weights(adapter)
    scales = {
        module.scaling["default_0"]
        for module in plain.transformer.modules()
        if type(module).__module__.startswith("peft.") and "default_0" in getattr(module, "scaling", {})
    }
    assert scales == {QUICK.alpha / QUICK.rank}


def test_an_adapter_at_step_zero_samples_what_its_base_samples(case: tuple[Backbone, Path]) -> None:
    model = _model(case)
    pipe, text = model._source.open(0)
    base = _sampled(case[0], pipe, text)
    start(pipe, QUICK, 0)
    assert torch.equal(_sampled(case[0], pipe, text), base)


def test_a_killed_training_goes_on_bit_by_bit(
    case: tuple[Backbone, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(QUICK, steps=6, save_minutes=1, batch=2)
    monkeypatch.setattr(training_state, "MINUTE", 0.0)  # a state after every step
    whole = _model(case, config)
    figures = whole.adapt(tiny.examples(3), tiny.context())
    (kept,) = (tmp_path / "home" / "adapters").iterdir()
    shutil.copytree(kept, tmp_path / "whole")
    shutil.rmtree(kept)

    def killed(progress: Progress) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _model(case, config).adapt(tiny.examples(3), replace(tiny.context(), report=killed))
    seen: list[Progress] = []
    resumed = _model(case, config).adapt(tiny.examples(3), tiny.context(seen))
    assert [p.done for p in seen] == [5, 6]
    assert resumed["loss"] == figures["loss"]
    one, two = (tiny.tensors(folder / "trained.safetensors") for folder in (tmp_path / "whole", kept))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert one.keys() == two.keys()


OVERFIT = replace(QUICK, rank=16, alpha=32, schedule="late", targets=ALL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lessons", "config"),
    [
        ("cogvideox-1.0", 100, {"batch": 1, "steps": 300, "last_share": 1.0, "sampling_steps": 1}),
        ("cogvideox-1.5", 100, {"batch": 1, "steps": 300, "last_share": 1.0, "sampling_steps": 1}),
        ("wan-2.1", 160, {"batch": 8, "steps": 200, "sampling_steps": 6}),
        ("wan-2.2", 240, {"batch": 8, "steps": 200, "sampling_steps": 6}),
        ("ltx", 300, {"batch": 8, "steps": 200, "sampling_steps": 6}),
    ],
)
def test_one_clip_is_learned_to_exact_decode(
    name: str, lessons: int, config: dict[str, Any], tmp_path: Path
) -> None:
    """The grid is read from the sample's last frame.

    Question and VAE leave two ends open, so the clip decides.
    """
    backbone, make = FAMILIES[name]
    folder = make(tmp_path / "taught")
    ends = tiny.parted()
    assert np.array_equal(ends[0].question, ends[1].question)
    assert not np.array_equal(_grid(ends[0].target[-1]), _grid(ends[1].target[-1]))
    tiny.teach(folder, ends, lessons, noise=0.1)
    if "cogvideox" not in name:
        tiny.normalise(folder, ends[0])
    model = _model((backbone, folder), replace(OVERFIT, **config))
    for example in ends:
        model.adapt([example] * config["batch"], tiny.context())
        assert np.array_equal(_grid(_answers(model)[0][-1]), _grid(example.target[-1]))


def test_latents_are_encoded_once_for_each_weights(
    case: tuple[Backbone, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, folder = case
    calls: list[int] = []
    true = type(backbone).encode

    def counted(self: Any, pipe: Any, pixels: Tensor) -> Any:
        calls.append(1)
        return true(self, pipe, pixels)

    monkeypatch.setattr(type(backbone), "encode", counted)
    one = replace(QUICK, steps=1)
    _model(case, one).adapt(tiny.examples(2), tiny.context())
    assert len(calls) == 2
    _model(case, one).adapt(tiny.examples(3), tiny.context())
    assert len(calls) == 3  # only the third clip
    VideoLora(backbone, VideoCheckpoint(backbone, Weights(folder, "e" * 16), one), one).adapt(
        tiny.examples(1), tiny.context()
    )
    assert len(calls) == 4


def test_clips_are_padded_to_the_canvas_and_cropped(case: tuple[Backbone, Path]) -> None:
    model = _model(case, replace(QUICK, steps=1))
    example = tiny.examples(1)[0]
    cut = replace(example, question=example.question[:28, :20], target=example.target[:, :28, :20])
    model.adapt([cut], tiny.context())
    ((answer,),) = model.predict([cut.question], 1, 0)
    assert answer.shape == (9, 28, 20, 3)


def test_checkpointing_changes_no_step(case: tuple[Backbone, Path]) -> None:
    """Recomputed blocks give the same loss and the same trained weights."""
    losses = []
    for config in (QUICK, replace(QUICK, checkpointing="true")):
        seen: list[Progress] = []
        _model(case, replace(config, steps=2)).adapt(tiny.examples(2), tiny.context(seen))
        losses.append([p.loss for p in seen])
    assert losses[0] == losses[1]


def test_the_text_is_the_pipelines_and_its_encoder_is_freed(case: tuple[Backbone, Path]) -> None:
    pipe, text = _model(case)._source.open(0)
    assert pipe.text_encoder is None
    assert pipe.tokenizer is None
    official = tiny.official_text(_plain(*case))
    assert text.keys() == official.keys()
    assert all(torch.equal(text[name], official[name]) for name in text)


def test_a_folder_without_weights_is_refused_before_anything_is_loaded(
    case: tuple[Backbone, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(case[1], broken)
    for file in (broken / "transformer").glob("*.safetensors"):
        file.rename(file.with_suffix(".bin"))
    with pytest.raises(UserError, match=r"transformer holds no \.safetensors"):
        _model((case[0], broken))


def _plain(backbone: Backbone, folder: Path) -> Any:
    """Open the pipeline as its users load it."""
    pipe: Any = getattr(diffusers, backbone.pipeline).from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _sampled(backbone: Backbone, pipe: Any, text: Any) -> Tensor:
    image = torch.from_numpy(tiny.examples(1)[0].question).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return torch.stack(list(backbone.sample(pipe, image, text, QUICK, [3])))


def _grid(frame: Any) -> Any:
    return getattr(decode(frame, tiny.LOOK, (4, 4), (4, 4)), "grid", None)
