"""Test the folder of a pretraining: a stop at any moment costs only steps, and two runs never mix."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from vizbench.baselines.embedded import folder as pretraining
from vizbench.baselines.embedded.folder import PretrainingFolder, open_folder, read_log
from vizbench.baselines.embedded.pretrain import pretrain
from vizbench.errors import UserError


def _net() -> tuple[torch.nn.Linear, list[torch.optim.Optimizer]]:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    return net, [torch.optim.AdamW(net.parameters(), lr=0.1)]


def _step(net: torch.nn.Linear, optimizers: list[torch.optim.Optimizer]) -> None:
    net(torch.ones(1, 3)).square().sum().backward()
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()


def _weights(net: torch.nn.Linear) -> list[float]:
    return torch.cat([p.detach().flatten() for p in net.parameters()]).tolist()


def test_a_run_killed_while_it_saves_goes_on_from_the_save_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = PretrainingFolder(tmp_path, {"seed": 3, "sides": (2, 3)})
    net, optimizers = _net()
    assert folder.resume(net, optimizers) == (0, 0.0)
    _step(net, optimizers)
    folder.keep({"step": 1, "seconds": 2.5}, b"one", net, optimizers)
    first = _weights(net)
    _step(net, optimizers)
    second = _weights(net)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "write_state", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.keep({"step": 2, "seconds": 4.0}, b"two", net, optimizers)
    assert [line["step"] for line in read_log(folder.path)] == [1, 2]

    again, optimizers = _net()
    assert folder.resume(again, optimizers) == (1, 2.5)
    assert _weights(again) == first
    assert [line["step"] for line in read_log(folder.path)] == [1]
    _step(again, optimizers)
    assert _weights(again) == second  # the optimizer's moments came back too


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_another_seed_or_config_is_refused(tmp_path: Path) -> None:
    net, optimizers = _net()
    PretrainingFolder(tmp_path, {"seed": 3, "steps": 8}).keep(
        {"step": 1, "seconds": 1.0}, b"", net, optimizers
    )
    before = _files(tmp_path)
    with pytest.raises(UserError, match="holds a run of seed 3, steps 8: give the same"):
        PretrainingFolder(tmp_path, {"seed": 4, "steps": 9}).resume(net, optimizers)
    assert _files(tmp_path) == before


def test_another_network_is_refused_by_its_config(tmp_path: Path) -> None:
    net, optimizers = _net()
    PretrainingFolder(tmp_path, {"family": "a", "width": 3}).keep(
        {"step": 1, "seconds": 1.0}, b"", net, optimizers
    )
    other = torch.nn.Sequential(torch.nn.Linear(4, 1))
    for config, message in (
        ({"family": "a", "width": 4}, "width 3"),
        ({"family": "b", "width": 3}, "family a"),
    ):
        with pytest.raises(UserError, match=f"holds a run of {message}: give the same"):
            PretrainingFolder(tmp_path, config).resume(other, [torch.optim.AdamW(other.parameters())])


@pytest.mark.parametrize("name", ["log.jsonl", "weights.safetensors", "card.md"])
@pytest.mark.parametrize("family", ["cogvideox", "qwen3"])
def test_what_no_run_left_there_stays(tmp_path: Path, name: str, family: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=rf"holds {name} but no state\.safetensors: give another --out"):
        pretrain(family, tmp_path, 3, 2)
    assert _files(tmp_path) == {name: b"mine"}


def test_one_process_is_in_a_folder_and_clears_what_a_killed_one_drafted(tmp_path: Path) -> None:
    out = tmp_path / "new" / "run"
    with (
        open_folder(out),
        pytest.raises(UserError, match=f"is being written by process {os.getpid()}"),
        open_folder(out),
    ):
        pass
    (out / ".state.safetensors.1.draft").write_text("half")
    with open_folder(out):
        assert [path.name for path in out.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    "line", ["mine", "[]", '{"loss": 1}', '{"step": "1"}', '{"step": 1.5}', "3", "\xff", "[" * 200_000]
)
def test_a_log_that_another_wrote_is_refused(tmp_path: Path, line: str) -> None:
    PretrainingFolder(tmp_path, {"seed": 3}).resume(*_net())
    (tmp_path / "log.jsonl").write_bytes(line.encode("latin-1"))
    with pytest.raises(UserError, match=r"log\.jsonl is not the log of a pretraining"):
        PretrainingFolder(tmp_path, {"seed": 3}).resume(*_net())


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"config": "mine", "step": "1", "seconds": "1"},
        {"config": "[]", "step": "1", "seconds": "1"},
        {"config": '{"seed": 3}', "step": "one", "seconds": "1"},
        {"config": '{"seed": 3}', "step": "1"},
        {"config": "[" * 200_000, "step": "1", "seconds": "1"},
    ],
)
def test_a_state_that_another_wrote_is_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    (tmp_path / "state.safetensors").write_bytes(save({"a": torch.zeros(1)}, metadata))
    with pytest.raises(
        UserError, match=r"state\.safetensors is not the state of a pretraining: give another --out"
    ):
        PretrainingFolder(tmp_path, {"seed": 3}).resume(*_net())


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    net, optimizers = _net()
    PretrainingFolder(tmp_path, {"seed": 3}).resume(net, optimizers)
    state = tmp_path / "state.safetensors"
    whole = state.read_bytes()
    for bytes_ in (b"none", whole[:-4]):
        state.write_bytes(bytes_)
        with pytest.raises(UserError, match=r"is not a state of a training .*: give another --out"):
            PretrainingFolder(tmp_path, {"seed": 3}).resume(net, optimizers)
    state.unlink()
    state.mkdir()
    with pytest.raises(UserError, match=r"is not a state of a training .*: give another --out"):
        PretrainingFolder(tmp_path, {"seed": 3}).resume(net, optimizers)
    state.rmdir()
    state.write_bytes(
        save(
            {"parameter/weight": torch.zeros(1, 3)}, {"config": '{"seed": 3}', "step": "0", "seconds": "0.0"}
        )
    )
    with pytest.raises(UserError, match=r"is not a state of this training .*: give another --out"):
        PretrainingFolder(tmp_path, {"seed": 3}).resume(net, optimizers)


def test_a_run_killed_at_its_first_save_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PretrainingFolder(tmp_path, {"seed": 3})
    net, optimizers = _net()
    folder.resume(net, optimizers)
    first = _weights(net)
    _step(net, optimizers)
    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "write_state", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            folder.keep({"step": 1, "seconds": 2.5}, b"one", net, optimizers)
    again, optimizers = _net()
    assert folder.resume(again, optimizers) == (0, 0.0)
    assert _weights(again) == first and read_log(folder.path) == []
