"""The command line: parses, calls, prints.

Exit codes: 0 done; 1 a fault of ours, or a cell that failed; 2 input that cannot be served (one sentence on
stderr); 130 stopped by Ctrl-C; 141 whoever reads stdout left, as in `vizbench tasks | head -1`. Every command
imports what it needs by itself, so that `--help` and `tasks` load neither torch nor compiled kernels."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vizbench._util import interrupts
from vizbench._util.processes import forget_safe_path
from vizbench._util.text import is_utf8, plural
from vizbench._util.version import __version__
from vizbench.console import output
from vizbench.console.commands import Command, Commands
from vizbench.console.options import (
    FileTaskOption,
    JsonOption,
    PoolOption,
    SeedOption,
    SetOption,
    SplitOption,
    TaskOption,
    all_rows,
    complete_model,
    complete_suite,
    complete_task,
    from_config,
    import_named,
    numbers,
    pool_of,
    split_of,
    with_overrides,
)
from vizbench.distributed import coordinate, env
from vizbench.errors import UserError, sentence
from vizbench.formats.layouts import FORMS

if TYPE_CHECKING:
    from vizbench.task import Space

app = typer.Typer(
    name="vizbench",
    help="Unlimited, exactly verifiable visual-reasoning tasks, and how many examples a model needs to learn one.",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing rich would cost half of its time
    pretty_exceptions_enable=False,
)

DEFAULT_TASK = "life/conway"
"""What `eval` measures when no task is named."""


command = partial(app.command, cls=Command)


def main() -> None:
    """The entry point: `app`, with every error put in one sentence. VIZBENCH_TRACEBACK=1 shows where it
    arose.

    Of processes that `--devices` launched, the first is that; the others help it to train.
    """
    forget_safe_path()
    output.prepare_streams()
    log = logging.getLogger("vizbench")
    if not log.handlers:
        log.addHandler(output.Notes())
    try:
        _run()
    finally:
        output.flush()


def _run() -> None:
    try:
        if env.rank():
            from vizbench.harness.run.follow import follow

            follow()
            return
        with interrupts.bounded(), coordinate.dismissed():
            app(prog_name="vizbench")
    except KeyboardInterrupt:
        interrupts.report_stop()
        sys.exit(interrupts.CODE)
    except Exception as error:  # whatever it is, the user gets a sentence
        if os.environ.get("VIZBENCH_TRACEBACK"):
            raise
        output.flush()  # it may be stdout that failed
        text, code = sentence(error)
        output.note(text)
        sys.exit(code)


def _version(asked: bool) -> None:
    if asked:
        output.out(f"vizbench {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Unlimited, exactly verifiable visual-reasoning tasks, and how many examples a model needs to learn
    one."""
    del version  # its callback has printed it


@command()
def tasks(json: JsonOption = False) -> None:
    """List every task."""
    from vizbench.task import families, params_json

    rows: list[dict[str, Any]] = [
        {
            "task": f"{family}/{variant}",
            "default": variant == next(iter(task.variants)),
            "version": task.version,
            "summary": task.summary,
            "space": None
            if (space := task.space(params)) is None
            else {"count": space.count, "of": space.of},
            "params": params_json(params),
        }
        for family, task in families().items()
        for variant, params in task.variants.items()
    ]
    if json:
        output.out_json(rows)
        return
    shown = [
        (
            f"{family}/{variant}",
            _size(task.space(params)),
            " ".join(f"{k}={v}" for k, v in params_json(params).items()),
        )
        for family, task in families().items()
        for variant, params in task.variants.items()
    ]
    output.print_columns(("task", "questions", "parameters (--set KEY=VALUE)"), shown)
    output.out("questions: how many different ones the task has, train and test together, if that is known")
    output.out()
    output.print_columns(
        ("family", "what is asked"), [(family, task.summary) for family, task in families().items()]
    )


def _size(space: Space | None) -> str:
    """The size of a task's space for the table of tasks."""
    return "" if space is None else str(space).removesuffix(" questions")


@command()
def models(
    json: JsonOption = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Estimate what adapting takes; nothing is loaded.")
    ] = False,
    tokens: Annotated[int, typer.Option(help="With --memory: of a question with its answer.")] = 512,
    canvas: Annotated[str, typer.Option(help="With --memory: pixels of a clip, height x width.")] = "272x272",
    frames: Annotated[int, typer.Option(help="With --memory: frames of a clip.")] = 9,
) -> None:
    """List every model family and its checkpoints, or the memory that they take."""
    from vizbench.model import MemoryRequest, families

    found = families().values()
    if memory:
        if not 2 <= tokens <= 1_000_000:
            raise UserError(
                f"--tokens {tokens} is outside 2 … 1,000,000: 512 hold two boards of 8x8 and their frame"
            )
        sides = canvas.split("x")
        if len(sides) != 2 or not all(
            side.isascii() and side.isdigit() and 1 <= int(side) <= 4096 for side in sides
        ):
            raise UserError(f"--canvas {canvas[:40]!r} is no height x width of 1 … 4096: write it as 272x272")
        if not 2 <= frames <= 1000:
            raise UserError(f"--frames {frames} is outside 2 … 1000: the paper's clips have 9")
        demand = MemoryRequest(tokens, int(sides[0]), int(sides[1]), frames)
        output.print_memory({family.name: family.memory(demand) for family in found if family.memory}, json)
        return
    if json:
        keys = ("name", "modality", "checkpoints", "summary")
        output.out_json([{key: getattr(family, key) for key in keys} for family in found])
        return
    rows = [(family.name, family.modality, ", ".join(family.checkpoints), family.summary) for family in found]
    output.print_columns(("model", "sees", "checkpoints", "what it is"), rows)
    output.out()
    output.out("A model of your own: --model path/to/file.py:Class")


@command()
def show(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help=f"Task name, see `vizbench tasks`; or {FORMS}.", autocompletion=complete_task
        ),
    ],
    index: Annotated[int, typer.Option(help="Which row of the split, from 0.")] = 0,
    seed: SeedOption = 0,
    split: SplitOption = "train",
    overrides: SetOption = None,
    whole: Annotated[
        bool, typer.Option("--all", help="All demonstrations, then all tests, of an ARC file or an episode.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write x.png (question, target), or x.gif or x.mp4 (the way).")
    ] = None,
) -> None:
    """Show one instance: in the terminal, as a picture, or as a video of the way from question to target."""
    from vizbench.formats.registry import verifier_of

    rows = all_rows(task, overrides, seed) if whole else (split_of(task, overrides, seed, split)[index],)
    instance, look = rows[0], verifier_of(rows[0]).look
    if out is None:
        for row in rows:
            output.print_instance(row, look)
        return
    if out.suffix.lower() == ".png":
        output.save_pairs(out, rows, look)
    else:
        from vizbench.renderers.video import process, write_gif, write_video

        clip = process(instance.question, instance.steps, look)
        (write_gif if out.suffix.lower() == ".gif" else write_video)(out, clip)
    output.out(str(out))


@command()
def generate(
    task: TaskOption,
    n: Annotated[int, typer.Option("--n", help="How many rows.")],
    split: SplitOption = "train",
    seed: SeedOption = 0,
    pool: PoolOption = None,
    overrides: SetOption = None,
    format: Annotated[
        Literal["jsonl", "parquet", "png", "arc"],
        typer.Option(help="How the rows lie on disk; arc: N episodes of arc/CONCEPT, a file each."),
    ] = "jsonl",
    out: Annotated[Path | None, typer.Option(help="A new folder; without it, one named by the data.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; the bytes are the same for any number.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a data set that is there.")] = False,
    no_steps: Annotated[bool, typer.Option("--no-steps", help="Leave out the states on the way.")] = False,
) -> None:
    """Write a data set: rows, and a manifest with its recipe and digests. The same command makes the same
    bytes."""
    from vizbench.formats import write
    from vizbench.harness.plan.plan import slug

    if format == "arc":
        from vizbench.formats.arc import episodes

        if pool is not None:
            raise UserError("an episode brings its own demonstrations: leave --pool out with --format arc")
        name = with_overrides(task, overrides or [])
        folder = out or Path(f"{slug(name)}-episodes-{n}" + (f"-seed{seed}" if seed else ""))
        episodes.write(name, n, seed, folder, overwrite)
        output.out(f"{folder}: {n:,} episodes of {name}, as arc-json:{folder}")
        return
    rows = split_of(task, overrides, seed, split, pool_of(pool))
    named = f"{slug(rows.spec.task)}-{split}-{n}" + (f"-seed{seed}" if seed else "")
    named += "" if pool is None else f"-pool{pool}"
    folder = out or Path(named)
    manifest = write(rows, n, folder, format, overwrite, workers, steps=not no_steps)
    output.out(
        f"{folder}: {plural(manifest.rows, 'row')} of {rows.spec.task} {split}, digest {manifest.digest}"
    )


@command()
def verify(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="The folder of a data set that `generate` made.")
    ],
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS", help='JSON Lines of {"id": "...", "answer": grid or text}.')
    ],
    task: FileTaskOption = None,
    json: JsonOption = False,
) -> None:
    """Judge a file of answers to a data set. A row without an answer is wrong."""
    from vizbench.formats import verify_answers

    import_named(task)
    judged = verify_answers(dataset, answers)
    if json:
        output.out_json(judged)
        return
    output.print_judged(judged)


@command()
def score(
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS", help="JSON Lines, or a folder of pictures or videos; see docs/answers.md."
        ),
    ],
    dataset: Annotated[Path, typer.Option(help="The folder of a data set that `generate` made.")],
    process: Annotated[
        bool, typer.Option("--process", help="Judge every frame or state on the way, not the last alone.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep the answers as a run there, for `vizbench report`; needs --name."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the model is called in the report.")] = None,
    shots: Annotated[
        int | None,
        typer.Option(help="Of the task's train rows, how many the model was trained on; without it 0."),
    ] = None,
    task: FileTaskOption = None,
    json: JsonOption = False,
) -> None:
    """Judge saved answers of any outside model. A row without an answer is wrong."""
    from vizbench.harness.score.import_answers import import_score_sheet
    from vizbench.harness.score.score import score_rows, summarize

    if (out is None) != (name is None) or (out is None and shots is not None):
        raise UserError(
            "a run is kept by --out RUNS and --name MODEL together, and --shots tells of it: give both or none"
        )
    import_named(task)
    sheet = score_rows(predictions, dataset, process)
    kept = import_score_sheet(sheet, out, name, shots) if out is not None and name is not None else None
    if json:
        output.out_json(summarize(sheet))
        return
    output.print_score(summarize(sheet))
    if kept is not None:
        output.out(f"kept in {kept}; a page of all models there: vizbench report {out} --html report.html")


@command(name="eval")
def evaluate(
    config: Annotated[
        Path | None,
        typer.Option(
            help="A TOML file with these flags as keys; flags win.",
            is_eager=True,
            callback=from_config,
            metavar="FILE",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=CHECKPOINT]",
            help="A model, see `vizbench models`; or FILE.py:Class. NAME=CHECKPOINT gives each its own weights. "
            "Several may be given.",
            autocompletion=complete_model,
        ),
    ] = None,
    shots: Annotated[
        str, typer.Option(help="Training examples, a list: 3,30,300. ARC files bring their own.")
    ] = "16",
    task: Annotated[
        list[str] | None,
        typer.Option(help=f"A task; or {FORMS}. Several may be given.", autocompletion=complete_task),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            help="Tasks by a name: core, paper/games, paper/navigation, paper/automata, paper/arc, paper, concept-arc, "
            "arc-agi-1, arc-agi-2.",
            autocompletion=complete_suite,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Folder, zip or file of ARC tasks, for the suites concept-arc, paper/arc and paper."
        ),
    ] = None,
    n_test: Annotated[int, typer.Option(help="Test questions a cell.")] = 200,
    seed: Annotated[int, typer.Option(help="The first seed: data and training.")] = 0,
    seeds: Annotated[int, typer.Option(help="How many seeds.")] = 1,
    pool: PoolOption = None,
    attempts: Annotated[
        int | None, typer.Option(help="Answers to a question; without it the protocol's, or one.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="Score ARC tasks by: arc-agi, concept-arc. Suites of these names have theirs."),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="Weights by name, see `vizbench models`, if one model is named; else --model NAME=CHECKPOINT."
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Training steps at every budget; else the model's own.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Training epochs at every budget, in place of steps.")
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            help="Fit models to variants of ARC demonstrations too: symmetries, colours, or both by a comma."
        ),
    ] = None,
    flagged: Annotated[
        str, typer.Option(help="keep or drop: ARC tasks with a known error in their data, which are named.")
    ] = "keep",
    limit: Annotated[
        int | None, typer.Option(help="Stop each cell after so many questions; go on later.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes, each with a model of its own.")] = 1,
    devices: Annotated[
        int, typer.Option(help="GPUs that train each model together; CPUs where there is none.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Where the run is kept; without it runs/MODEL_TASK.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Touch no network: refuse models that need it.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print the cells, their data and the time they will take; write nothing."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Adapt models to tasks and judge them beside the trivial baselines. The same command resumes what was
    stopped."""
    from vizbench.console import evaluate as measuring
    from vizbench.harness.plan.plan import Plan, seed_list

    del config  # its keys have become defaults
    if offline:  # variables, because processes of --jobs and the hub's own library read them
        os.environ.update(VIZBENCH_OFFLINE="1", HF_HUB_OFFLINE="1")
    plan = Plan(
        models=tuple(model or ()),
        tasks=tuple(task or ()) if task or suite else (DEFAULT_TASK,),
        suite=suite,
        data=data,
        checkpoint=checkpoint,
        shots=numbers("shots", shots),
        seeds=seed_list(seed, seeds),
        n_test=n_test,
        pool=pool_of(pool),
        attempts=attempts,
        protocol=protocol,
        steps=steps,
        epochs=epochs,
        augment=() if augment is None else tuple(augment.split(",")),
        flagged=flagged,
        limit=limit,
    )
    folder = out or Path("runs") / plan.name
    if not is_utf8(str(folder)):  # what --json prints names it
        raise UserError(f"--out {str(folder)[:80]!r} is not UTF-8: choose another folder")
    if plan.suite == "paper" and plan.data is None:
        output.note("suite paper without --data: its ARC tasks are left out")
    if plan.pool < max(plan.shots):
        output.note(
            f"pool {plan.pool:,} is below {max(plan.shots):,} shots: test questions may lie near training examples"
        )
    if dry_run:
        interrupts.advise("nothing was written, and the same command again begins anew")
        measuring.dry_run(plan, folder, jobs, json)
    else:
        interrupts.advise(f"the same command again goes on from what is in {folder}")
        coordinate.gather(devices, jobs)
        measuring.run_and_report(plan, folder, jobs, json)


@command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS...", help="Folders that `eval` wrote.")],
    html: Annotated[Path | None, typer.Option("--html", help="The page to write.")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="The table to write, a row a task, model and budget; beside it NAME-unfinished.csv, if any are.",
        ),
    ] = None,
    md: Annotated[Path | None, typer.Option("--md", help="The tables to write as Markdown.")] = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", help="A folder for the figures: PNG, SVG, PDF.")
    ] = None,
) -> None:
    """Write the report of runs, from their records alone: as a page, as tables, as figures."""
    from vizbench.harness.records.records import read_runs, read_unstarted
    from vizbench.harness.report import export
    from vizbench.harness.report.report import write_report
    from vizbench.harness.stats.incomplete import incomplete_trials, write_incomplete

    if not any((html, csv, md, figures)):
        raise UserError(
            "nothing is to be written: name --html FILE, --csv FILE, --md FILE or --figures FOLDER"
        )
    cells, lost = read_runs(runs), read_unstarted(runs)
    lacking = incomplete_trials(cells, lost)
    if html is not None:
        write_report(cells, lost, html)
    if csv is not None:
        export.write_csv(cells, csv)
        beside = csv.with_name(f"{csv.stem}-unfinished.csv")
        if lacking or beside.exists():  # one of before would go on telling of cells that are finished by now
            write_incomplete(lacking, beside)
    if md is not None:
        export.write_markdown(cells, md, lost)
    if figures is not None:
        from vizbench.harness.report.report import write_figures

        write_figures(cells, figures)
    for path in filter(None, (html, csv, md, figures)):
        output.out(str(path))
    output.print_incomplete(lacking)


@command()
def pretrain(
    family: Annotated[Literal["cogvideox", "qwen3"], typer.Argument(help="Which embedded model.")],
    out: Annotated[
        Path, typer.Option(help="Where weights, log and state go; what is there is gone on with.")
    ],
    seed: Annotated[int, typer.Option(help="Of the weights and of the stream of worlds.")] = 0,
    steps: Annotated[
        int | None, typer.Option(help="Optimizer steps; without it, as many as the embedded ones.")
    ] = None,
) -> None:
    """Make an embedded checkpoint again, from a seed."""
    from vizbench.baselines.embedded.pretrain import pretrain as train

    interrupts.advise(f"the same command again goes on from what is in {out}")
    train(family, out, seed, steps)
    output.out(str(out))


if __name__ == "__main__":
    main()
