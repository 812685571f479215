"""Run `vizbench merge`: put the parts of a data set or of a run together, and say what was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vizbench._util.text import plural
from vizbench.console import streams
from vizbench.errors import UserError


def merge(folders: Sequence[str], out: str, overwrite: bool) -> None:
    """Merge parts, of a data set or of a run, as their descriptions say. Data sets may be in stores."""
    from vizbench.formats.stores import is_url
    from vizbench.harness.records.parts import is_run

    runs = [not is_url(folder) and is_run(Path(folder)) for folder in folders]
    if len(set(runs)) > 1:
        one, other = folders[runs.index(True)], folders[runs.index(False)]
        raise UserError(f"{one} is a part of a run and {other} is none: merge runs and data sets separately")
    if not runs[0]:
        from vizbench.formats.merge import merge as merge_datasets

        made = merge_datasets(folders, out, overwrite)
        rows = f"{plural(made.rows, 'row')} of {made.spec.task} {made.spec.split}"
        streams.print_line(f"{out}: {rows}, digest {made.digest}")
        return
    if is_url(out):
        raise UserError("runs are merged on this machine: give a folder as --out")
    if overwrite:
        raise UserError("--overwrite replaces data sets only: give a new --out for a run")
    _merge_runs([Path(folder) for folder in folders], Path(out))


def _merge_runs(folders: Sequence[Path], out: Path) -> None:
    from vizbench.harness.records.parts import merge as merge_runs
    from vizbench.harness.records.records import read_runs, read_unstarted
    from vizbench.harness.report.report import write_report

    trials = merge_runs(folders, out)
    report = out / "report.html"
    write_report(read_runs([out]), read_unstarted([out]), report)
    streams.print_line(f"{out}: {plural(trials, 'trial')}, report: {report}")
