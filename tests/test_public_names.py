"""Test the public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import vizbench as vb
from vizbench._util import version

STABLE = {
    "tasks",
    "load",
    "verify",
    "render",
    "decode",
    "to_text",
    "from_text",
    "Instance",
    "Verdict",
    "UserError",
}


def test_every_public_name_is_there() -> None:
    assert set(vb.__all__) >= STABLE
    assert sorted(vb.__all__) == vb.__all__
    lazy = [name for name in vb.__all__ if name != "__version__"]
    assert sorted(name for names in vb._HOMES.values() for name in names) == lazy
    for name in lazy:
        is_alias = name in {"Grid", "Grids", "Keys"}
        assert getattr(vb, name).__name__ == name or is_alias
        assert name in dir(vb)
    assert version.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match="nothing"):
        _ = vb.nothing


def test_the_whole_way() -> None:
    assert "life/conway" in vb.tasks()
    data = vb.load("life/conway", seed=1, steps=2)
    row = data.test[3]
    assert row is not data.test[3]
    image = vb.render(row.target, data.verifier.look)
    for shape in (None, row.target.shape):
        decoded = vb.decode(image, data.verifier.look, shape=shape)
        assert isinstance(decoded, vb.Answer)
        parts = dict.fromkeys(data.verifier.parts, 1.0)
        assert vb.verify(row, decoded.grid) == vb.Verdict(True, True, 1.0, "", parts)
    spoken = vb.from_text(vb.to_text(row.question))
    assert isinstance(spoken, vb.Answer)
    assert np.array_equal(spoken.grid, row.question)
    assert not vb.verify(row, spoken.grid).valid
    assert isinstance(vb.from_text("no grid here"), vb.DecodeFailure)


@pytest.mark.parametrize("what", ["", "vizbench.tasks()", "vizbench.load('life/conway')", "vizbench.verify"])
def test_nothing_heavy_is_imported_early(what: str) -> None:
    heavy = ("numba", "torch", "pyarrow", "av", "jinja2", "PIL", "rich", "typer")
    actual = f"[name for name in {heavy} if name in sys.modules], 'numpy' in sys.modules"
    code = f"import sys, vizbench; {what}\nprint({actual})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == f"[] {bool(what)}\n"
