"""Try vizbench with the lowest version that each bound of a base dependency allows.

    python3.11 scripts/lowest.py FOLDER

FOLDER is made, and holds a virtual environment and what the commands write; remove it afterwards. The lowest
versions come from `pyproject.toml`. What they need in turn is the newest that pip finds, as for any user. The
table that is printed has one line per command; the exit code is 1 if one fails.

Result under Python 3.11.7, 18 commands each: typer 0.16.0, 0.17.5 and 0.18.0 fail in every command, because
they do not know the type `Literal` or the click of today; with typer 0.19.0 and the other bounds as they are,
all commands pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LIMIT = 600
"""Seconds that one command may take: the first ones compile every kernel."""


def lowest() -> list[str]:
    """Return the base dependencies, each pinned to the lowest version that its bound allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned: list[str] = []
    for bound in project["dependencies"]:
        found = re.match(r"([A-Za-z0-9._-]+)>=([0-9.]+)", bound)
        if found is None:
            raise SystemExit(f"{bound!r} has no lowest version: write it as NAME>=VERSION")
        pinned.append(f"{found[1]}=={found[2]}")
    return pinned


def commands() -> list[list[str]]:
    """Return what is tried, as arguments of `vizbench`."""
    asked = ["--task", "life/conway", "--n", "4", "--split", "test"]
    measured = ["eval", "--model", "nearest", "--n-test", "4", "--task"]
    return [
        ["--help"],
        ["--version"],
        ["eval", "-h"],
        ["tasks"],
        ["models"],
        ["show", "maze/9"],
        ["show", "life", "--out", "way.mp4"],
        ["show", "life", "--out", "way.gif"],
        *(["generate", *asked, "--format", form, "--out", form] for form in ("jsonl", "parquet", "png")),
        ["generate", *asked, "--workers", "2", "--out", "workers"],
        [*measured, "life/conway", "--shots", "3", "--out", "run"],
        [*measured, "fill/small", "--shots", "3,5", "--jobs", "2", "--out", "two"],
        ["verify", "jsonl", "answers.jsonl"],
        ["score", "answers.jsonl", "--dataset", "jsonl", "--out", "run", "--name", "mine"],
        ["score", "pictures", "--dataset", "png"],
        ["report", "run", "--html", "page.html", "--csv", "t.csv", "--md", "t.md", "--figures", "figures"],
    ]  # fmt: skip


def main() -> int:
    """Make the environment, run the commands, print the table."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True)
    python = folder / "venv" / "bin" / "python"
    pins = lowest()
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *pins, str(ROOT)], check=True)
    print(f"Python {sys.version.split()[0]}; {', '.join(pins)}")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {"NUMBA_CACHE_DIR": str(folder / "numba"), "PYTHONWARNINGS": "default"}
    failed = 0
    for arguments in commands():
        if arguments[0] == "verify":
            prepare(folder)
        done = subprocess.run(
            [python, "-m", "vizbench", *arguments],
            cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=LIMIT, check=False,
        )  # fmt: skip
        line = " ".join(arguments)
        if done.returncode:
            failed += 1
            line += f"  exit {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1]}"
        print("FAIL" if done.returncode else "ok  ", line, flush=True)
    return int(failed > 0)


def prepare(folder: Path) -> None:
    """Write right answers to the data sets: the stored targets."""
    import json
    import shutil

    lines = (folder / "jsonl" / "test-00000.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, lines)
    answers = (json.dumps({"id": row["id"], "answer": row["target"]}) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text("".join(answers), encoding="utf-8")
    shutil.copytree(folder / "png" / "target", folder / "pictures")


if __name__ == "__main__":
    raise SystemExit(main())
