"""Files of one name: what tells the rows of one from those of another."""

from __future__ import annotations

from collections.abc import Sequence

from vizbench.harness.records.labels import task_label
from vizbench.harness.records.records import TrialResult


def is_corpus_run(run: TrialResult) -> bool:
    """Whether its data is a file or an episode, which its name alone does not tell: folders hold other
    files."""
    return run.header.trial.shots is None


def origins(runs: Sequence[TrialResult]) -> list[str]:
    """For each run what a table has to say of its file beside the name, "" if nothing.

    The folder, if files of other folders are called alike. The file's whole name, if only its ending tells it
    apart. The data's digest, if the file held other data, or was asked more."""
    met: dict[tuple[str, str], set[str]] = {}
    for run in filter(is_corpus_run, runs):
        task = run.header.trial.task
        met.setdefault(("in", task_label(task)), set()).add(_above(task))
        met.setdefault(("file", f"{task_label(task)} in {_above(task)}"), set()).add(task)
        met.setdefault(("data", task), set()).add(run.header.data.digest[:6])
    return [_origin(run, met) if is_corpus_run(run) else "" for run in runs]


def _origin(run: TrialResult, met: dict[tuple[str, str], set[str]]) -> str:
    task = run.header.trial.task
    folder = [f"in {_above(task)}"] if len(met["in", task_label(task)]) > 1 else []
    data = [f"data {run.header.data.digest[:6]}"] if len(met["data", task]) > 1 else []
    file = (
        [f"file {task.rpartition('/')[2]}"]
        if len(met["file", f"{task_label(task)} in {_above(task)}"]) > 1
        else []
    )
    return ", ".join(folder + file + data)


def _above(task: str) -> str:
    """The part of a file's path that its label leaves out."""
    return "/".join(task.partition(":")[2].split("/")[:-2]) or "."
