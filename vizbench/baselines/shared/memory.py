"""What the parts of a model take in memory, and whether this machine has it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, Final, TypeAlias, final

from vizbench._util.paths import is_hidden
from vizbench.errors import UserError

TRAINED: Final = 18
"""Bytes a number of the adapter takes: itself, its gradient and two moments in float32, and a bfloat16
copy."""

FROZEN: Final = {"int8": 1.0, "nf4": 0.516}
"""Bytes a number of the blocks' linear layers takes in fewer bits: nf4 has a doubly quantised scale for 64
numbers (Dettmers et al. 2023, 3)."""

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]


def frozen(backbone: str, dtype: str, parameters: int, linear: int) -> float:
    """Bytes that a backbone takes. dtype: what its numbers are loaded in; linear: numbers in its linear
    layers, which alone are put into fewer bits."""
    whole = 4.0 if dtype == "float32" else 2.0
    return whole * (parameters - linear) + FROZEN.get(backbone, whole) * linear


def shapes_of(folder: Path) -> Shapes:
    """The tensors of a folder's safetensors files by name, from the heads of the files; a name counts once,
    however many copies lie there. UserError for a file that is none."""
    from safetensors import SafetensorError, safe_open

    found: dict[str, tuple[int, ...]] = {}
    for path in sorted(path for path in folder.glob("*.safetensors") if not is_hidden(path.name)):
        try:
            with safe_open(path, "np") as file:
                names: list[str] = file.keys()
                for name in names:
                    found[name] = tuple(file.get_slice(name).get_shape())
        except (SafetensorError, OSError) as error:
            raise UserError(
                f"{path} is no whole safetensors file ({str(error)[:200]}): fetch it again"
            ) from error
    return found


def count(shapes: Shapes) -> int:
    """How many numbers they hold."""
    return sum(prod(shape) for shape in shapes.values())


@final
@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """place: the GPU, or the machine where there is none; free: bytes that this process has or can get
    there."""

    place: str
    free: float


def device_memory() -> DeviceMemory:
    """What is there now. What this process holds already counts as free: a model that is loaded is not loaded
    twice."""
    import torch

    from vizbench.distributed import collectives

    device = collectives.device()
    if device.type == "cuda":
        return DeviceMemory(
            "the GPU", float(torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device))
        )
    import psutil

    return DeviceMemory(
        "this machine", float(psutil.virtual_memory().available + psutil.Process().memory_info().rss)
    )


def peak() -> int | None:
    """The most bytes that tensors took on the GPU so far; None without one."""
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def require_memory(
    name: str,
    recipe: Any,
    parts: Callable[[Any], Mapping[str, float]],
    backbones: tuple[str, ...] = ("int8", "nf4"),
) -> None:
    """UserError where the parts, bytes by name, take more than there is; it names the first milder way that
    fits.

    recipe: a frozen record with `batch`, `accumulation`, `checkpointing` and `backbone`; parts: what it takes
    in memory. The parts leave out the GPU's context, the allocator's gaps and all caches, which are more than
    what a step frees before its peak: what passes may still be too much."""
    here, takes = device_memory(), parts(recipe)
    if sum(takes.values()) <= here.free:
        return
    fits = (settings for settings, way in _milder(recipe, backbones) if sum(parts(way).values()) <= here.free)
    smaller = (
        "take a smaller checkpoint, or draw smaller boards"
        if takes.get("kept")
        else "take a smaller checkpoint"
    )
    told = next((f"set ?{settings}" for settings in fits), smaller)
    total = sum(takes.values())
    each = ", ".join(f"{part} {_gb(size)}" for part, size in takes.items() if size > 0.01 * total)
    raise UserError(
        f"{name} takes about {_gb(total)} GB ({each}) and {here.place} has {_gb(here.free)} GB free: "
        f"{told} (`vizbench models --memory` estimates what each way takes)"
    )


def _milder(recipe: Any, backbones: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Ways that take less and less, each with those before it: first those that change no product."""
    steps: list[dict[str, Any]] = [] if recipe.checkpointing else [{"checkpointing": True}]
    if recipe.batch > 1:
        steps.append({"batch": 1, "accumulation": recipe.accumulation * recipe.batch})
    order = ("full", "int8", "nf4")
    steps += [{"backbone": name} for name in backbones if order.index(name) > order.index(recipe.backbone)]
    settings: dict[str, Any] = {}
    for step in steps:
        settings |= step
        recipe = replace(recipe, **step)
        yield "&".join(f"{field}={str(value).lower()}" for field, value in settings.items()), recipe


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f}" if size < 1e11 else f"{size / 1e9:,.0f}"


@contextmanager
def within_memory() -> Generator[None]:
    """Within it a GPU that is full is told by a sentence."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise UserError(
            f"the GPU is full ({' '.join(str(error).split())[:120]}): set ?batch=1, ?together=1, ?checkpointing=true "
            f"or ?backbone=nf4 behind the checkpoint, or draw smaller boards (`vizbench models --memory` estimates "
            f"what training takes)"
        ) from None
