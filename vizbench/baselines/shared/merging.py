"""Add a LoRA to the frozen weights while a model predicts, which takes fewer products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import Linear

from vizbench.baselines.shared.memory import unused_memory
from vizbench.baselines.shared.passes import SHARE


@contextmanager
def merged(model: Any, active: bool = True) -> Generator[None]:
    """Add the LoRA to the weights within the block. After it they are as before, to the last bit.

    The block needs a copy of these weights. If the memory does not suffice, nothing is done, as for layers
    that are quantised, or share their weights with others.
    """
    layers = _mergeable(model) if active else []
    copies = sum(layer.base_layer.weight.nbytes for layer in layers)
    if copies > SHARE * unused_memory():
        layers = []
    originals: list[torch.Tensor] = []
    try:
        for layer in layers:
            weight = layer.base_layer.weight
            originals.append(weight.data)
            weight.data = weight.data.clone()
            layer.merge()
        yield
    finally:
        for layer, original in zip(layers, originals, strict=False):
            layer.merged_adapters.clear()
            layer.base_layer.weight.data = original


def _mergeable(model: Any) -> list[Any]:
    """Return the layers under LoRA whose weights are numbers of their own."""
    owners: Counter[int] = Counter()
    for module in model.modules():
        owners.update(id(parameter) for parameter in module.parameters(recurse=False))
    layers: list[Any] = []
    for module in model.modules():
        if type(module) is Linear and owners[id(module.base_layer.weight)] == 1:
            layers.append(module)
    return layers
