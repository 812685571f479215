"""Draw the two figures of docs/architecture.md: the layers, and how data flows.

    python -m scripts.architecture_figures

The layers are those that `tests/test_layers.py` enforces. A test fails if a figure is out of date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.test_layers import LAYERS

FOLDER: Final = Path(__file__).parents[1] / "docs"

WIDTH: Final = 760
ROW: Final = 46
INK: Final = "#1f2430"
FRAME: Final = "#8a94a6"
FILLS: Final = ("#e8eef9", "#f6f1e4")
"""Fill colours of rows, in turn."""

SHOWN: Final = [names for names in LAYERS if "__main__" not in names]

PURPOSE: Final = {
    "errors": "records, keys, errors, helpers",
    "kernels": "processes · where work runs · compiled code",
    "task": "the protocols of tasks and models",
    "generators": "task families · pictures, clips, text",
    "dataset": "rows, mixtures · what keeps train and test apart",
    "formats": "data sets and files of others",
    "loading": "load, instance, verify, render, prompt",
    "rewards": "levels that follow success · one number per answer",
    "harness": "models · measuring · other frameworks",
    "console": "options, tables, progress",
    "cli": "the commands",
}
"""What a layer is for, by one of its parts."""

STEPS: Final = [
    (
        "(family, params, seed, split, index)",
        "a name, and one 64-bit key per instance",
        "task/registry.py, seeds.py",
    ),
    ("Task.generate_batch", "Batch: question, target, facts as arrays", "generators/, kernels/"),
    ("LeakageFilter", "rows of train and test", "dataset/leakage.py, dataset/splits.py"),
    ("codec", "clips, pictures, text or grids", "renderers/, harness/run/codec.py"),
    ("Model.adapt, Model.predict", "a prediction per question", "baselines/, model.py"),
    ("decode", "Answer or DecodeFailure", "renderers/decode.py, renderers/replies/"),
    ("Task.check", "CheckResult, then Verdict", "generators/, task/contract.py"),
    ("records", "one directory per trial", "harness/records/"),
    ("stats, report", "tables, figures, a page", "harness/stats/, harness/report/"),
]
"""What happens, what it gives, and where the code is."""


def text(
    x: float, y: float, words: str, size: int = 14, weight: str = "normal", anchor: str = "start"
) -> str:
    """Return one line of text."""
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{INK}">{escaped}</text>'
    )


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """Return a rectangle with round corners."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" '
        f'stroke="{FRAME}"/>'
    )


def svg(height: int, parts: list[str], title: str) -> str:
    """Return a whole picture on white."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="Helvetica, Arial, sans-serif" role="img">'
    )
    white = f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head, f"<title>{title}</title>", white, *parts, "</svg>"]) + "\n"


def layers() -> str:
    """Draw the layers from the bottom to the top."""
    parts: list[str] = []
    height = ROW * len(SHOWN) + 20
    for number, names in enumerate(SHOWN):
        y = height - 10 - ROW * (number + 1)
        parts.append(box(10, y + 4, WIDTH - 20, ROW - 8, FILLS[number % 2]))
        parts.append(text(24, y + 29, " · ".join(sorted(names)), weight="bold"))
        purpose = next(PURPOSE[name] for name in sorted(names) if name in PURPOSE)
        parts.append(text(WIDTH - 24, y + 29, purpose, size=13, anchor="end"))
    return svg(height, parts, "The layers of vizbench")


def data() -> str:
    """Draw how a name and a seed become a report."""
    parts: list[str] = []
    height = ROW * len(STEPS) + 20
    for number, (step, result, place) in enumerate(STEPS):
        y = 10 + ROW * number
        parts.append(box(10, y + 4, WIDTH - 20, ROW - 8, FILLS[number % 2]))
        parts.append(text(24, y + 29, step, weight="bold"))
        parts.append(text(310, y + 29, result, size=13))
        parts.append(text(WIDTH - 24, y + 29, place, size=12, anchor="end"))
        if number:
            parts.append(f'<path d="M {WIDTH / 2 - 7:g} {y - 4} h 14 l -7 8 z" fill="{FRAME}"/>')
    return svg(height, parts, "How data flows")


def figures() -> dict[str, str]:
    """Return every figure by its file name."""
    return {"architecture-layers.svg": layers(), "architecture-data.svg": data()}


if __name__ == "__main__":
    for name, picture in figures().items():
        (FOLDER / name).write_text(picture, encoding="utf-8")
