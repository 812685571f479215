"""Count the memory of a model's parts, and compare it with what this machine has."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, final

from vizbench._util.paths import is_hidden
from vizbench.baselines.shared.config import BACKBONES, AdaptationConfig
from vizbench.errors import UserError
from vizbench.model import MemoryEstimate

TRAINED: Final = 18
"""Bytes per number of the adapter: itself, its gradient and two moments in float32, and a bfloat16 copy."""

FROZEN: Final = {"int8": 1.0, "nf4": 0.516}
"""Bytes per number of a quantised linear layer. nf4 has a doubly quantised scale for each 64 numbers
(Dettmers et al. 2023, section 3).
"""

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

C = TypeVar("C", bound=AdaptationConfig)

MemoryBytes: TypeAlias = Callable[[C], Mapping[str, float]]
"""Return the bytes of a config by the name of the part. The config says `rows`, and `checkpointing` is not
`auto`.
"""


@dataclass(frozen=True, slots=True)
class BlockActivations(ABC):
    """Bytes that a transformer block keeps per token for the backward pass, in one type of number."""

    hidden: float
    """Per unit of the hidden width."""
    feed: float
    """Per unit of the feed-forward width."""
    rank: int
    """Per unit of the LoRA's rank."""


@dataclass(frozen=True, slots=True)
class TransformerSizes(ABC):
    """The sizes of a checkpoint's transformer."""

    parameters: int
    """All its numbers."""
    layers: int
    """Its blocks."""
    hidden: int
    """The hidden width."""
    feed: int
    """The feed-forward width."""


@dataclass(frozen=True, slots=True)
class MemoryBreakdown(ABC):
    """Bytes that training holds at once."""

    weights: float
    """The frozen weights."""
    adapter: float
    """The adapter with gradients and moments. If all weights are trained: their gradients and moments."""
    activations: float
    """What a forward pass keeps for the backward pass."""


def estimates(
    checkpoint: str, config: C, breakdown: Callable[[C], MemoryBreakdown]
) -> Iterator[MemoryEstimate]:
    """Yield the memory of training a checkpoint, by backbone, checkpointing and examples per forward pass.

    breakdown: the memory of a config.
    """
    for backbone in BACKBONES:
        for checkpointing, rows in (("true", 1), ("true", config.batch), ("false", config.batch)):
            chosen = replace(config, backbone=backbone, checkpointing=checkpointing, rows=rows)
            settings = f"backbone={backbone}&checkpointing={checkpointing}&rows={rows}"
            yield MemoryEstimate(checkpoint, settings, asdict(breakdown(chosen)))


def activations(one_block: float, block_input: float, layers: int, checkpointing: str) -> float:
    """Return the bytes that all blocks keep for the backward pass.

    one_block: what one block keeps. block_input: the part of it that is the block's input.
    """
    if checkpointing == "false":
        return float(one_block * layers)
    # Each block keeps its input only. The rest is computed again, for one block at a time.
    return float(one_block + block_input * layers)


def frozen(backbone: str, dtype: str, parameters: int, linear: int) -> float:
    """Return the bytes of a frozen backbone.

    dtype: of the numbers that are not quantised. linear: numbers in its linear layers, which are.
    """
    whole = 4.0 if dtype == "float32" else 2.0
    return whole * (parameters - linear) + FROZEN.get(backbone, whole) * linear


def shapes_of(folder: Path) -> Shapes:
    """Return the shapes of a folder's tensors by name, from the headers of its safetensors files.

    A name counts once, however many files hold it. Raises UserError if a file cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(path for path in folder.glob("*.safetensors") if not is_hidden(path.name)):
        try:
            with safe_open(path, "np") as file:
                names: list[str] = file.keys()
                for name in names:
                    shapes[name] = tuple(file.get_slice(name).get_shape())
        except (SafetensorError, OSError) as error:
            raise UserError(
                f"{path} is not a whole safetensors file ({str(error)[:200]}): fetch it again"
            ) from error
    return shapes


def count(shapes: Shapes) -> int:
    """Return how many numbers the tensors hold."""
    return sum(prod(shape) for shape in shapes.values())


@final
@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The memory of the device that a model runs on."""

    place: str
    """The name of the device in messages: the GPU, or this machine."""
    free: float
    """Bytes that this process has or can get there."""


def device_memory() -> DeviceMemory:
    """Return the free memory now. What this process holds counts as free: no model is loaded twice."""
    import torch

    from vizbench.distributed import collectives

    device = collectives.device()
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return DeviceMemory("the GPU", float(free + torch.cuda.memory_reserved(device)))
    import psutil

    available, own = psutil.virtual_memory().available, psutil.Process().memory_info().rss
    return DeviceMemory("this machine", float(available + own))


def unused_memory() -> float:
    """Return the bytes of the device that hold nothing now."""
    import torch

    if not torch.cuda.is_available():
        import psutil

        return float(psutil.virtual_memory().available)
    return device_memory().free - torch.cuda.memory_allocated()


def peak() -> int | None:
    """Return the most bytes that tensors took on the GPU so far; None without a GPU."""
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def require_memory(
    name: str,
    config: C,
    parts: MemoryBytes[C],
    backbones: tuple[str, ...] = ("int8", "nf4"),
) -> None:
    """Raise UserError if the parts exceed the free memory. It names the first cheaper settings that fit.

    The GPU's context, fragmentation and caches are not counted: what passes may still be too much.

    config: settled, as `least_config` returns it. backbones: quantisations that this machine can run.
    """
    memory, bytes_of = device_memory(), parts(config)
    total = sum(bytes_of.values())
    if total <= memory.free:
        return
    advice = "take a smaller checkpoint"
    if bytes_of.get("activations"):
        advice = "take a smaller checkpoint, or draw smaller grids"

    # Prefer settings that fit to a smaller checkpoint.
    for settings, cheaper in _cheaper(config, backbones):
        if sum(parts(cheaper).values()) <= memory.free:
            advice = f"set ?{settings}"
            break

    # Name the parts of at least 1%.
    shown = ", ".join(f"{part} {_gb(size)}" for part, size in bytes_of.items() if size > 0.01 * total)
    raise UserError(
        f"{name} takes about {_gb(total)} GB ({shown}) and {memory.place} has {_gb(memory.free)} GB free: "
        f"{advice} (`vizbench models --memory` estimates what all settings take)"
    )


def _cheaper(config: C, backbones: tuple[str, ...]) -> Iterator[tuple[str, C]]:
    """Yield settings that take less and less memory, and the config with them.

    Each includes those before it. Those that change no result come first.
    """
    changes: list[dict[str, Any]] = []
    if config.checkpointing == "false":
        changes.append({"checkpointing": "true"})
    if config.rows > 1:
        changes.append({"rows": 1})
    smaller = BACKBONES[BACKBONES.index(config.backbone) + 1 :]
    changes += [{"backbone": name} for name in backbones if name in smaller]
    settings: dict[str, Any] = {}
    for change in changes:
        settings |= change
        config = replace(config, **change)
        yield "&".join(f"{field}={value}" for field, value in settings.items()), config


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f}" if size < 1e11 else f"{size / 1e9:,.0f}"


@contextmanager
def within_memory() -> Generator[None]:
    """Raise UserError if the GPU is full within the block."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise UserError(
            f"the GPU is full ({' '.join(str(error).split())[:120]}): set ?rows=1, ?together=1, "
            "?checkpointing=true or ?backbone=nf4 behind the checkpoint, or draw smaller grids "
            "(`vizbench models --memory` estimates what training takes)"
        ) from None
