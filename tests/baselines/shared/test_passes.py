"""Test the choice of passes by memory: what fits is taken, and no choice changes what is learned."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.baselines.language.test_model import FAMILIES, context, pairs
from tests.baselines.video.test_model import FAMILIES as VIDEO
from tests.baselines.video.test_model import QUICK
from tests.support import tiny_language
from tests.support import tiny_video as tiny
from vizbench.baselines.language import checkpoint as language
from vizbench.baselines.shared import passes as passes_module
from vizbench.baselines.shared.hub import Weights
from vizbench.baselines.shared.memory import DeviceMemory
from vizbench.baselines.shared.passes import Passes, allowed, fitting, run_within
from vizbench.baselines.video import train
from vizbench.baselines.video.checkpoint import VideoCheckpoint
from vizbench.baselines.video.model import VideoLora
from vizbench.model import Progress


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "home"))


@dataclass(frozen=True)
class Settings:
    batch: int = 8
    rows: int = 0
    checkpointing: str = "auto"
    backbone: str = "full"


def _bytes_of(settings: Settings) -> Mapping[str, float]:
    return {"all": 10 + settings.rows * (1.0 if settings.checkpointing == "true" else 8.0)}


@pytest.mark.parametrize(
    ("free", "settings", "expected"),
    [
        (74 / 0.8, Settings(), Passes(8, False)),
        (73 / 0.8, Settings(), Passes(4, False)),
        (18 / 0.8, Settings(), Passes(1, False)),
        (17.9 / 0.8, Settings(), Passes(4, True)),  # 14 of 17.9; the next larger takes 18
        (1, Settings(), Passes(1, True)),  # checked by require_memory
        (1000, Settings(checkpointing="true"), Passes(8, True)),
        (20 / 0.8, Settings(checkpointing="false"), Passes(1, False)),
        (1000, Settings(rows=2), Passes(2, False)),
        (20, Settings(rows=2), Passes(2, True)),
        (1000, Settings(rows=99), Passes(8, False)),
    ],
)
def test_the_fastest_way_that_fits_is_taken(
    free: float, settings: Settings, expected: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes_module, "device_memory", lambda: DeviceMemory("the GPU", free))
    assert fitting(settings, 8, _bytes_of)[0] == expected


def test_what_fills_the_gpu_is_tried_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    choices = allowed(Settings(), 5)
    assert choices == [Passes(n, mode) for mode in (False, True) for n in (5, 3, 2, 1)]

    def attempt(way: Passes) -> float:
        if not way.checkpointing or way.rows > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return 0.5

    assert run_within(choices, attempt) == 0.5
    assert choices[0] == Passes(2, True)  # the next step begins there
    del choices[1:]
    with pytest.raises(torch.OutOfMemoryError):
        run_within([Passes(3, True)], attempt)


WAYS = ("rows=4&checkpointing=false", "rows=3&checkpointing=true", "rows=1&checkpointing=false")


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # peft 0.21 asks by an old name
def test_no_way_changes_what_a_language_model_learns(tmp_path: Path) -> None:
    transformers.utils.logging.disable_progress_bar()
    folder, shown = tiny_language.write("qwen3", tmp_path / "m"), pairs("", 6)
    losses: list[list[Any]] = []
    figures: list[Mapping[str, float]] = []
    for way in WAYS:
        heard: list[Progress] = []
        model: Any = FAMILIES["qwen3"].build(f"{folder}?rank=4&batch=4&save_minutes=0&{way}")
        figures.append(model.adapt(shown, context(4, heard=heard)))
        losses.append([progress.loss for progress in heard])
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[2] == pytest.approx(losses[0], rel=1e-5)
    assert [f["rows_per_pass"] for f in figures] == [4, 3, 1]
    assert [f["checkpointing"] for f in figures] == [0, 1, 0]


@pytest.mark.parametrize("name", ["cogvideox-1.5", "ltx"])
def test_no_way_changes_what_a_video_model_learns(name: str, tmp_path: Path) -> None:
    backbone, make = VIDEO[name]
    weights, losses = Weights(make(tmp_path / "m"), "d" * 16), list[list[Any]]()
    for rows, checkpointing in ((3, "false"), (2, "true"), (1, "false")):
        config: Any = replace(QUICK, steps=3, batch=3, rows=rows, checkpointing=checkpointing)
        heard: list[Progress] = []
        model = VideoLora(backbone, VideoCheckpoint(backbone, weights, config), config)
        model.adapt(tiny.examples(4), tiny.context(heard))
        losses.append([progress.loss for progress in heard])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("kind", ["text", "video"])
def test_casts_that_are_left_out_change_no_loss(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bfloat16 the products round the inputs all the same. Dropout would draw by the type of inputs."""
    losses: list[list[Any]] = []
    for casts in (False, True):
        heard: list[Progress] = []
        if casts:
            monkeypatch.setattr(language, "disable_input_dtype_casting", lambda *_: nullcontext())
            monkeypatch.setattr(train, "disable_input_dtype_casting", lambda *_: nullcontext())
        if kind == "text":
            folder = tmp_path / "m"
            place = folder if folder.exists() else tiny_language.write("llama", folder)
            text: Any = FAMILIES["llama"].build(
                f"{place}?rank=4&batch=2&save_minutes=0&dtype=bfloat16&dropout=0"
            )
            text.adapt(pairs("", 4), context(3, heard=heard))
        else:
            backbone, make = VIDEO["ltx"]
            config: Any = replace(QUICK, steps=3, dtype="bfloat16")
            weights = Weights(make(tmp_path / f"v{casts}"), "d" * 16 if casts else "e" * 16)
            clips = VideoLora(backbone, VideoCheckpoint(backbone, weights, config), config)
            clips.adapt(tiny.examples(2), tiny.context(heard))
        losses.append([progress.loss for progress in heard])
    assert losses[0] == losses[1]


def test_the_rows_of_a_pass_do_not_decide_what_dropout_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout, automatic passes have one row, whatever the memory."""
    folder = tiny_language.write("llama", tmp_path / "m")
    model: Any = FAMILIES["llama"].build(f"{folder}?batch=4&dropout=0.1")
    assert [way.rows for way in model._checkpoint.passes(50, 20)] == [1, 1]
    sure: Any = FAMILIES["llama"].build(f"{folder}?batch=4&dropout=0")
    assert sure._checkpoint.passes(50, 20)[0] == Passes(4, False)
    monkeypatch.setattr(language, "unused_memory", lambda: 1.0)
    assert sure._checkpoint.decoding_rows(50, 20) == 1
    monkeypatch.setattr(language, "unused_memory", lambda: 1e12)
    assert sure._checkpoint.decoding_rows(50, 20) == language.TOGETHER
