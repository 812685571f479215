"""What a pretraining leaves in its folder: a stop at any moment costs steps, and mixes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vizbench.baselines.shared import pretraining
from vizbench.baselines.shared.pretraining import Folder
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
    folder = Folder(tmp_path, {"seed": 3, "sides": (2, 3)})
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
    assert [line["step"] for line in folder.log()] == [1, 2]

    again, optimizers = _net()
    assert folder.resume(again, optimizers) == (1, 2.5)
    assert _weights(again) == first
    assert [line["step"] for line in folder.log()] == [1]
    _step(again, optimizers)
    assert _weights(again) == second  # the optimizer's moments came back too


def test_another_seed_or_recipe_is_refused(tmp_path: Path) -> None:
    net, optimizers = _net()
    Folder(tmp_path, {"seed": 3, "steps": 8}).keep({"step": 1, "seconds": 1.0}, b"", net, optimizers)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match="holds a run of seed 3, steps 8: give the same"):
        Folder(tmp_path, {"seed": 4, "steps": 9}).resume(net, optimizers)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
