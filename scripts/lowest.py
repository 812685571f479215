"""Test vizbench with the lowest version that each base dependency allows.

    python3.11 scripts/lowest.py FOLDER

FOLDER is created. It receives a virtual environment and what the commands write, and can be removed
afterwards. The lowest versions come from `pyproject.toml`. Their own dependencies are the newest that pip
finds, as for any user. Prints one line per command. The exit code is 1 if one fails.

Result under Python 3.11.7, 18 commands each: typer 0.16.0, 0.17.5 and 0.18.0 fail in every command, because
they do not know the type `Literal` or the click of today. With typer 0.19.0 and the other bounds unchanged,
all commands pass.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

FORMATS = ("jsonl", "parquet", "png", "video", "webdataset")

ROOT = Path(__file__).resolve().parents[1]

LIMIT = 600
"""Seconds that one command may take. The first ones compile every kernel."""


def lowest() -> list[str]:
    """Return the base dependencies, each pinned to the lowest version that its bound allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned: list[str] = []
    for bound in project["dependencies"]:
        match = re.match(r"([A-Za-z0-9._-]+)>=([0-9.]+)", bound)
        if match is None:
            raise SystemExit(f"{bound!r} has no lowest version: write it as NAME>=VERSION")
        pinned.append(f"{match[1]}=={match[2]}")
    return pinned


def commands() -> list[list[str]]:
    """Return the tested commands, as arguments of `vizbench`."""
    data = ["--task", "life/conway", "--n", "4", "--split", "test"]
    evaluate = ["eval", "--model", "nearest", "--n-test", "4", "--task"]
    return [
        ["--help"],
        ["--version"],
        ["eval", "-h"],
        ["tasks"],
        ["models"],
        ["show", "maze/9"],
        ["show", "life", "--out", "way.mp4"],
        ["show", "life", "--out", "way.gif"],
        *(["generate", *data, "--format", form, "--out", form] for form in FORMATS),
        ["generate", *data, "--workers", "2", "--out", "workers"],
        [*evaluate, "life/conway", "--shots", "3", "--out", "run"],
        [*evaluate, "fill/small", "--shots", "3,5", "--jobs", "2", "--out", "two"],
        ["verify", "jsonl", "answers.jsonl"],
        ["score", "answers.jsonl", "--dataset", "jsonl", "--out", "run", "--name", "mine"],
        ["score", "pictures", "--dataset", "png"],
        ["report", "run", "--html", "page.html", "--csv", "t.csv", "--md", "t.md", "--figures", "figures"],
    ]  # fmt: skip


def main() -> int:
    """Create the environment, run the commands, print the table. Return the exit code."""
    # A new environment that sees neither this one's packages nor its caches.
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True)
    python = install(folder)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {"NUMBA_CACHE_DIR": str(folder / "numba"), "PYTHONWARNINGS": "default"}

    # Later commands read what earlier ones wrote, so the order matters. A failure does not end the script.
    failed = 0
    for arguments in commands():
        if arguments[0] == "verify":
            prepare(folder)
        done = subprocess.run(
            [python, "-m", "vizbench", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT,
            check=False,
        )
        line = " ".join(arguments)
        if done.returncode:
            failed += 1
            last_line = (done.stderr.strip().splitlines() or [""])[-1]
            line += f"  exit {done.returncode}: {last_line}"
        print("FAIL" if done.returncode else "ok  ", line, flush=True)
    return int(failed > 0)


def install(folder: Path) -> Path:
    """Install vizbench with the lowest versions into a new environment. Return its Python."""
    python = folder / "venv" / "bin" / "python"
    pins = lowest()
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *pins, str(ROOT)], check=True)
    print(f"Python {sys.version.split()[0]}; {', '.join(pins)}")
    return python


def prepare(folder: Path) -> None:
    """Write files of right answers to the data sets: the stored targets."""
    import json
    import shutil

    lines = (folder / "jsonl" / "test-00000.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, lines)
    answers = (json.dumps({"id": row["id"], "answer": row["target"]}) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text("".join(answers), encoding="utf-8")
    shutil.copytree(folder / "png" / "target", folder / "pictures")


if __name__ == "__main__":
    raise SystemExit(main())
