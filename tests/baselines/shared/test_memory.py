"""Test that too little memory, no GPU and incomplete files are reported before anything is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest
import torch
from safetensors.torch import save_file

from tests.baselines.language.test_model import context, pairs
from tests.baselines.video.test_model import FAMILIES, QUICK
from tests.support import tiny_language
from tests.support import tiny_video as tiny
from tests.support.commands import Run, refused
from vizbench.baselines import llama, ltx
from vizbench.baselines.language import checkpoint as bases
from vizbench.baselines.language import model as language
from vizbench.baselines.language import train as descent
from vizbench.baselines.language.checkpoint import LanguageCheckpoint
from vizbench.baselines.language.memory import memory_breakdown
from vizbench.baselines.shared import memory as memory_module
from vizbench.baselines.shared.hub import Weights
from vizbench.baselines.shared.memory import (
    DeviceMemory,
    device_memory,
    peak,
    require_memory,
    shapes_of,
    within_memory,
)
from vizbench.baselines.video import checkpoint as folders
from vizbench.baselines.video import model as video
from vizbench.baselines.video.checkpoint import VideoCheckpoint
from vizbench.baselines.video.model import VideoLora
from vizbench.distributed import collectives
from vizbench.errors import UserError
from vizbench.model import Progress


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Pretend that there is a GPU whose bytes can be set."""
    sizes = {"free": 8_000_000_000, "ours": 0}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (sizes["free"], 24_000_000_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: sizes["ours"])
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    yield sizes


@dataclass(frozen=True)
class Settings:
    batch: int = 4
    rows: int = 4
    checkpointing: str = "false"
    backbone: str = "full"


def _parts(settings: Settings) -> dict[str, float]:
    """Return 16 GB of weights and 2 GB per row, or 1 GB per row if activations are computed twice."""
    share = {"full": 1.0, "int8": 0.5, "nf4": 0.25}[settings.backbone]
    per_row = 1e9 if settings.checkpointing == "true" else 2e9
    return {"weights": share * 16e9, "activations": settings.rows * per_row}


@pytest.mark.parametrize(
    ("free", "settings"),
    [
        (20.1, "checkpointing=true"),
        (17.1, "checkpointing=true&rows=1"),
        (9.1, "checkpointing=true&rows=1&backbone=int8"),
        (5.1, "checkpointing=true&rows=1&backbone=nf4"),
    ],
)
def test_the_first_milder_settings_that_fit_are_named(
    free: float, settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("the GPU", free * 1e9))
    with pytest.raises(UserError) as refused:
        require_memory("it", Settings(), _parts)
    message = f"it takes about 24.0 GB (weights 16.0, activations 8.0) and the GPU has {free:.1f} GB free: "
    assert str(refused.value).startswith(f"{message}set ?{settings} ")
    fields: dict[str, Any] = dict(pair.split("=") for pair in settings.split("&"))
    milder = Settings(4, int(fields.get("rows", 4)), "true", fields.get("backbone", "full"))
    require_memory("it", milder, _parts)  # what is named is let through


def test_where_nothing_fits_no_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("the GPU", 4.9e9))
    with pytest.raises(UserError, match="free: take a smaller checkpoint, or draw smaller grids"):
        require_memory("it", Settings(), _parts)
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("this machine", 9.1e9))
    with pytest.raises(UserError, match=r"this machine has 9\.1 GB free: take a smaller checkpoint"):
        require_memory("it", Settings(), _parts, ())  # a machine that cannot put it into fewer bits
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("the GPU", 24e9))
    require_memory("it", Settings(), _parts)


def test_what_is_held_already_counts_as_free(gpu: dict[str, int]) -> None:
    assert device_memory() == DeviceMemory("the GPU", 8e9)
    gpu["ours"] = 3_000_000_000
    assert device_memory() == DeviceMemory("the GPU", 11e9)


def test_without_a_gpu_it_is_the_machines_memory() -> None:
    here, memory = device_memory(), psutil.virtual_memory()
    assert here.place == "this machine"
    assert 0 < here.free <= memory.total + psutil.Process().memory_info().rss


def _video(name: str, place: Path, **fields: Any) -> VideoLora:
    backbone, make = FAMILIES[name]
    training = replace(QUICK, **fields)
    return VideoLora(
        backbone,
        VideoCheckpoint(backbone, Weights(place if place.exists() else make(place), "d" * 16), training),
        training,
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_a_video_model_is_weighed_twice_and_never_loaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building checks the model's own memory. Adapting checks the memory for its clips too."""
    model = _video(name, tmp_path / "m", batch=1, rows=1, checkpointing="true")
    monkeypatch.setattr(VideoCheckpoint, "_load", lambda *_: pytest.fail("it was loaded"))
    source: Any = model._source
    bare = folders.memory_breakdown(
        source._sizes, source._config, folders.MemoryRequest(height=0, width=0, frames=1), True
    )
    least = sum(asdict(bare).values())
    shown = tiny.examples(2)
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("this machine", least - 1))
    with pytest.raises(
        UserError, match=r"takes about 0\.0 GB \(weights .*this machine has 0\.0 GB free: take a"
    ):
        _video(name, tmp_path / "m", batch=1, rows=1, checkpointing="true")
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("this machine", least))
    _video(name, tmp_path / "m", batch=1, rows=1, checkpointing="true")
    with pytest.raises(UserError, match="takes about"):
        model.adapt(shown, tiny.context())
    frames, height, width, _ = shown[0].target.shape
    whole = folders.memory_breakdown(
        source._sizes, source._config, folders.MemoryRequest(height=height, width=width, frames=frames), True
    )
    monkeypatch.setattr(
        memory_module, "device_memory", lambda: DeviceMemory("this machine", sum(asdict(whole).values()))
    )
    source.check([e.target.shape for e in shown])


def test_a_batch_holds_no_more_clips_than_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source: Any = _video("ltx", tmp_path / "m", batch=4, rows=4)._source
    demand = folders.MemoryRequest(height=32, width=32, frames=9)
    takes: list[float] = []
    for n in (1, 2):
        breakdown = folders.memory_breakdown(source._sizes, replace(source._config, rows=n), demand, True)
        takes.append(sum(asdict(breakdown).values()))
    one, other = (9, 32, 32, 3), (9, 32, 64, 3)
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("this machine", takes[0]))
    source.check([one])
    with pytest.raises(UserError, match="takes about"):
        source.check([one, one])
    with pytest.raises(UserError, match="takes about"):
        source.check([one, other])  # the larger of two shapes
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("this machine", takes[1]))
    source.check([one, one])


def test_a_model_that_is_trained_whole_needs_no_adapter_on_disk(tmp_path: Path) -> None:
    model = _video("ltx", tmp_path / "m", rank=0, steps=1)
    source: Any = model._source
    breakdown = folders.memory_breakdown(
        source._sizes, source._config, folders.MemoryRequest(height=32, width=32, frames=9)
    )
    assert breakdown.adapter == 2 * breakdown.weights
    model.adapt(tiny.examples(1), tiny.context())
    (path,) = (tmp_path / "home" / "adapters").rglob("*.safetensors")
    assert path.name == "trained.safetensors"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("wan-2.1", "patch_size", [1]),
        ("wan-2.1", "patch_size", [0, 0, 0]),
        ("cogvideox-1.5", "patch_size", 0),
        ("cogvideox-1.5", "num_layers", float("inf")),
        ("cogvideox-1.5", "num_layers", -1),
    ],
)
def test_a_config_of_no_model_is_reported(name: str, field: str, value: Any, tmp_path: Path) -> None:
    place = FAMILIES[name][1](tmp_path / "m")
    _config(place / "transformer" / "config.json", {field: value})
    with pytest.raises(UserError, match=r"is not the config of a .*: fetch it again"):
        _video(name, place)


def test_pairs_of_experts_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    place = FAMILIES["wan-2.1"][1](tmp_path / "m")
    _config(place / "model_index.json", {"boundary_ratio": 0.9})
    with pytest.raises(UserError, match=r"Wan 2\.2's pairs of experts are not supported: use Wan 2\.1"):
        _video("wan-2.1", place)


def test_what_a_config_leaves_open_is_as_diffusers_fills_it(tmp_path: Path) -> None:
    place = FAMILIES["cogvideox-1.5"][1](tmp_path / "m")
    whole: Any = _video("cogvideox-1.5", place)._source
    _config(place / "transformer" / "config.json", {}, "max_text_seq_length", "patch_size")
    left: Any = _video("cogvideox-1.5", place)._source
    assert left._sizes == whole._sizes  # 226 and 2 are the class's own


def _config(path: Path, changes: dict[str, Any], *without: str) -> None:
    values = {key: value for key, value in json.loads(path.read_text()).items() if key not in without}
    path.write_text(json.dumps(values | changes))


def test_the_text_encoder_is_weighed_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _video("ltx", tmp_path / "m")
    source: Any = model._source
    monkeypatch.setattr(VideoCheckpoint, "_load", lambda *_: pytest.fail("it was loaded"))
    encoder = 2 * sum(
        t.numel()
        for t in tiny.tensors(next((tmp_path / "m" / "text_encoder").glob("*.safetensors"))).values()
    )
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("the GPU", 2 * encoder - 1))
    with pytest.raises(
        UserError,
        match=r"the text encoder of .* takes about 0\.0 GB \(weights 0\.0\) .* take a smaller checkpoint \(",
    ):
        source._neutral()


def test_a_language_model_is_weighed_twice_and_never_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tiny_language.write("llama", tmp_path / "m")
    build: Any = llama.FAMILIES[0].build
    model: Any = build(f"{place}?rank=8&save_minutes=0&batch=4&rows=2")
    monkeypatch.setattr(LanguageCheckpoint, "load", lambda *_: pytest.fail("it was loaded"))
    sizes, config = model._checkpoint._sizes, replace(model.config, dtype="float32")
    shapes = shapes_of(place)
    assert memory_breakdown(sizes, config, 0, 0).weights == 4 * sum(
        torch.Size(shape).numel() for shape in shapes.values()
    )
    monkeypatch.setattr(
        memory_module,
        "device_memory",
        lambda: DeviceMemory("this machine", sum(asdict(memory_breakdown(sizes, config, 0, 0)).values()) - 1),
    )
    with pytest.raises(UserError, match=r"takes about .* this machine has .*: set \?backbone=int8 "):
        build(f"{place}?rank=8&save_minutes=0&batch=2&rows=1")
    shown = pairs("", 3)
    chat = model._checkpoint.chat()
    rows = [chat.pair(chat.question(pair.question), pair.target) for pair in shown]
    longest = max(rows, key=lambda row: len(row.ids))
    takes = sum(
        asdict(memory_breakdown(sizes, config, len(longest.ids), len(longest.ids) - longest.start)).values()
    )
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("this machine", takes - 1))
    with pytest.raises(UserError, match=r"set \?rows=1 "):
        model.adapt(shown, context(1))
    monkeypatch.setattr(memory_module, "device_memory", lambda: DeviceMemory("this machine", takes))
    with pytest.raises(pytest.fail.Exception, match="it was loaded"):
        model.adapt(shown, context(1))


@pytest.mark.parametrize("family", ["llama", "ltx"])
def test_a_plan_that_memory_cannot_hold_leaves_nothing(
    family: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is enough memory for the model, and too little for the examples."""
    if family == "llama":
        checkpoint = f"{tiny_language.write('llama', tmp_path / 'm')}?backbone=int8"
        model: Any = llama.FAMILIES[0].build(checkpoint)
        takes: Any = memory_breakdown(model._checkpoint._sizes, replace(model.config, dtype="float32"), 0, 0)
    else:
        checkpoint = f"{tiny.ltx(tmp_path / 'm')}?batch=1&checkpointing=true"
        model = ltx.FAMILIES[0].build(checkpoint)
        bare = folders.MemoryRequest(height=0, width=0, frames=1)
        takes = folders.memory_breakdown(model._source._sizes, model._source._config, bare, True)
    monkeypatch.setattr(
        memory_module, "device_memory", lambda: DeviceMemory("this machine", sum(asdict(takes).values()))
    )
    words = ("eval", "--model", family, "--checkpoint", checkpoint, "--n-test", 2, "--out", "r")
    said = refused(run(*words, "--task", "life/conway?height=6&width=6", "--shots", "3,5"))
    assert re.search(
        r"m takes about .* and this machine has .* free: take a smaller checkpoint, or draw smaller", said
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]


def test_a_full_gpu_is_reported_in_one_sentence(gpu: dict[str, int]) -> None:
    with (
        pytest.raises(UserError, match=r"the GPU is full \(CUDA out of memory\.\): set \?rows=1"),
        within_memory(),
    ):
        raise torch.OutOfMemoryError("CUDA  out of\nmemory.")
    with pytest.raises(RuntimeError, match="another"), within_memory():
        raise RuntimeError("another")


def test_a_training_tells_the_most_memory_that_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: dict[str, int]
) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 7)
    assert peak() == 7
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert peak() is None
    clips: Any = _video("ltx", tmp_path / "v", steps=1)
    text: Any = llama.FAMILIES[0].build(f"{tiny_language.write('llama', tmp_path / 'm')}?save_minutes=0")
    heard = list[Progress]()
    monkeypatch.setattr(video, "peak", lambda: 8)
    monkeypatch.setattr(descent, "peak", lambda: 9)
    clips.adapt(tiny.examples(1), tiny.context(heard))
    text.adapt(pairs("", 2), context(1, heard=heard))
    assert {progress.memory for progress in heard} == {8, 9}


@pytest.mark.parametrize("kind", ["text", "video"])
def test_a_gpu_that_fills_in_training_is_reported_too(
    kind: str, tmp_path: Path, gpu: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> NoReturn:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(collectives, "device", lambda: torch.device("cpu"))
    if kind == "text":
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        model: Any = llama.FAMILIES[0].build(f"{tiny_language.write('llama', tmp_path / 'm')}?save_minutes=0")
        monkeypatch.setattr(language, "backward_in_parts", full)
        shown, about = pairs("", 2), context(1)
    else:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        model = _video("ltx", tmp_path / "m")
        monkeypatch.setattr(video, "train", full)
        shown, about = tiny.examples(2), tiny.context()
    with pytest.raises(UserError, match="the GPU is full"):
        model.adapt(shown, about)


def test_a_torn_file_is_reported_by_name(tmp_path: Path) -> None:
    place = tiny_language.write("llama", tmp_path / "m")
    path = place / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        UserError, match=r"model\.safetensors is not a whole safetensors file .*: fetch it again"
    ):
        llama.FAMILIES[0].build(str(place))


def test_a_copy_in_another_width_is_not_counted_again(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4)}, tmp_path / "model.safetensors")
    save_file({"a": torch.zeros(2, 3, dtype=torch.bfloat16)}, tmp_path / "model.fp16.safetensors")
    (tmp_path / "._model.safetensors").write_bytes(b"\0\5\x16\7")  # macOS leaves one beside each file
    assert shapes_of(tmp_path) == {"a": (2, 3), "b": (4,)}


def test_a_config_of_something_else_is_reported(tmp_path: Path) -> None:
    place = tiny.ltx(tmp_path / "m")
    (place / "transformer" / "config.json").write_text('{"num_layers": "many"}')
    with pytest.raises(UserError, match="is not the config of a LTXVideoTransformer3DModel"):
        _video("ltx", place)
    place = tiny_language.write("llama", tmp_path / "t")
    (place / "config.json").write_text('{"model_type": "llama", "hidden_size": "wide"}')
    with pytest.raises(UserError, match="cannot be loaded as AutoConfig"):
        llama.FAMILIES[0].build(str(place))
    (place / "config.json").write_text('{"model_type": "llama", "num_attention_heads": 0}')
    with pytest.raises(UserError, match="cannot be loaded as AutoConfig"):
        llama.FAMILIES[0].build(str(place))
    (place / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": -1}')
    with pytest.raises(UserError, match=r"cannot be loaded as AutoConfig .*a size below 1"):
        llama.FAMILIES[0].build(str(place))
    (place / "config.json").rename(place / "model_index.json")
    with pytest.raises(UserError, match=r"the configuration .*config\.json cannot be opened"):
        llama.FAMILIES[0].build(str(place))


def test_large_models_want_a_gpu_or_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tiny.ltx(tmp_path / "m")
    monkeypatch.setattr(folders, "LARGE", 1000)
    with pytest.raises(
        UserError,
        match=r"billion parameters and there is no GPU: use --checkpoint tiny, or set VIZBENCH_CPU=1",
    ):
        _video("ltx", place)
    monkeypatch.setenv("VIZBENCH_CPU", "1")
    _video("ltx", place)
    place = tiny_language.write("llama", tmp_path / "t")
    monkeypatch.setattr(bases, "LARGE", 1000)
    monkeypatch.delenv("VIZBENCH_CPU")
    with pytest.raises(UserError, match=r"billion parameters and there is no GPU: use --model smollm2"):
        llama.FAMILIES[0].build(str(place))
    monkeypatch.setenv("VIZBENCH_CPU", "1")
    llama.FAMILIES[0].build(str(place))
