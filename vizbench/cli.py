"""Parse the command line, run the command, and print its results.

Exit codes:

- 0: done
- 1: an error of vizbench, or a trial that failed
- 2: wrong input, with one sentence on stderr
- 130: stopped by Ctrl-C
- 141: the reader of stdout closed it, as in `vizbench tasks | head -1`

Every command imports what it needs, so that `--help` and `tasks` load neither torch nor compiled kernels.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from vizbench._util import interrupts
from vizbench._util.processes import forget_safe_path
from vizbench._util.text import is_utf8, plural
from vizbench._util.version import __version__
from vizbench.console import pictures, results, scores, streams, tables
from vizbench.console.options import (
    AddressOption,
    AttemptsOption,
    AugmentOption,
    CheckpointOption,
    ConfigOption,
    DataOption,
    DevicesOption,
    DryRunOption,
    EngineOption,
    EpochsOption,
    FileTaskOption,
    FirstSeedOption,
    FlaggedOption,
    FormatOption,
    FramesOption,
    JobsOption,
    JsonOption,
    LevelOption,
    LevelsOption,
    LimitOption,
    LookOption,
    MixableTaskOption,
    ModelsOption,
    OfflineOption,
    OneSplitOption,
    PicturesOption,
    PoolOption,
    PromptOption,
    ProtocolOption,
    ReaderOption,
    RunOption,
    ScoredSplitOption,
    SeedOption,
    SeedsOption,
    SetOption,
    ShardOption,
    ShotsOption,
    SplitOption,
    SplitsOption,
    StepsOption,
    SuiteOption,
    SupervisionOption,
    TasksOption,
    TestOption,
    TestRowsOption,
    all_rows,
    check_one_level,
    complete_family,
    complete_task,
    import_named,
    memory_request,
    split_of,
    with_overrides,
)
from vizbench.console.typer_classes import Command, Commands, with_positional
from vizbench.distributed import env
from vizbench.distributed.followers import releasing
from vizbench.distributed.launch import relaunch
from vizbench.errors import UserError, sentence
from vizbench.formats.layout_names import FORMS

SUMMARY = "Make visual-reasoning tasks, and measure how many examples a model needs to learn one."

app = typer.Typer(
    name="vizbench",
    help=SUMMARY,
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing rich would cost half of its time
    pretty_exceptions_enable=False,
)

command = partial(app.command, cls=Command)


def main() -> None:
    """Run `app`, and print every error as one sentence. VIZBENCH_TRACEBACK=1 shows the traceback instead.

    If several processes were launched together, only the first runs the command. The others help it to train.
    """
    forget_safe_path()
    streams.prepare_streams()
    log = logging.getLogger("vizbench")
    if not log.handlers:
        log.addHandler(streams.NoteHandler())
    try:
        _run()
    finally:
        streams.flush()


def _run() -> None:
    try:
        if env.rank():
            from vizbench.harness.run.follow import follow

            follow()
            return
        with interrupts.bounded(), releasing():
            app(prog_name="vizbench")
    except KeyboardInterrupt:
        interrupts.report_stop()
        sys.exit(interrupts.CODE)
    except Exception as error:  # any error becomes one sentence
        if os.environ.get("VIZBENCH_TRACEBACK"):
            raise
        streams.flush()  # it may be stdout that failed
        text, code = sentence(error)
        streams.print_note(text)
        sys.exit(code)


def _version(asked: bool) -> None:
    if asked:
        streams.print_line(f"vizbench {__version__}")
        raise typer.Exit


@app.callback(help=SUMMARY)
def top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Read the options before the command."""
    del version  # its callback has printed it


@command()
def tasks(
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY", help="A task family. Lists its variants.", autocompletion=complete_family
        ),
    ] = None,
    levels: Annotated[
        bool,
        typer.Option(
            "--levels", help="List levels of difficulty. With FAMILY: also their effort, which is measured."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the task families, or the variants or levels of one family."""
    from vizbench.console import catalog

    if levels:
        ladder = catalog.ladder(family)
        if json:
            streams.print_json(ladder)
        else:
            catalog.print_ladder(ladder)
    elif json:
        streams.print_json(catalog.task_records(family))
    elif family is None:
        catalog.print_families()
    else:
        catalog.print_variants(family)


@command()
def models(
    json: JsonOption = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Estimate the memory that training takes. Loads no model.")
    ] = False,
    tokens: Annotated[
        int | None, typer.Option(help="With --memory: tokens of one question with its answer. Default: 512.")
    ] = None,
    canvas: Annotated[
        str | None,
        typer.Option(metavar="HEIGHTxWIDTH", help="With --memory: pixels of a clip. Default: 272x272."),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="With --memory: number of frames of a clip. Default: 9.")
    ] = None,
) -> None:
    """List models and their checkpoints, or estimate their memory."""
    from vizbench.console import catalog
    from vizbench.model import families

    if not memory and (tokens, canvas, frames) != (None, None, None):
        raise UserError("--tokens, --canvas and --frames belong to --memory: give it too, or leave them out")
    if memory:
        request = memory_request(tokens, canvas, frames)
        estimates = {each.name: each.memory(request) for each in families().values() if each.memory}
        tables.print_memory(estimates, json)
    elif json:
        keys = ("name", "modality", "checkpoints", "summary")
        streams.print_json([{key: getattr(each, key) for key in keys} for each in families().values()])
    else:
        catalog.print_models()


@command()
def show(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help=f"A name from `vizbench tasks`, FILE.py:NAME, or a file: {FORMS}.",
            autocompletion=complete_task,
        ),
    ],
    index: Annotated[int, typer.Option(help="Row of the split, counted from 0.")] = 0,
    seed: SeedOption = 0,
    split: SplitOption = "train",
    level: LevelOption = None,
    overrides: SetOption = None,
    whole: Annotated[
        bool,
        typer.Option("--all", help="Show every row of an ARC file or episode: its demonstrations and tests."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write: .png (question and target), or .gif or .mp4 (the process)."),
    ] = None,
    look: LookOption = "human",
) -> None:
    """Show one instance of a task, or save it as picture or video."""
    from vizbench.formats.lookup import verifier_of
    from vizbench.renderers.looks import look_of

    if whole and level is not None:
        raise UserError("an ARC file or episode has no levels: leave --all or --level out")
    check_one_level(level)
    if whole:
        rows = all_rows(task, overrides, seed)
    else:
        rows = (split_of(task, overrides, seed, split, levels=level)[index],)
    instance = rows[0]
    drawn = look_of(verifier_of(instance), look, instance)

    # The suffix of the file decides: nothing is the terminal, .png a picture, all others a video.
    if out is None:
        for row in rows:
            pictures.print_instance(row, drawn)
        return
    if out.suffix.lower() == ".png":
        pictures.save_pairs(out, rows, drawn)
    else:
        from vizbench.renderers.video import process, write_gif, write_video

        clip = process(instance.question, instance.steps, drawn)
        (write_gif if out.suffix.lower() == ".gif" else write_video)(out, clip)
    streams.print_line(str(out))


@command()
def generate(
    task: MixableTaskOption,
    n: Annotated[int, typer.Option("--n", help="Number of rows.")],
    split: OneSplitOption = None,
    splits: SplitsOption = None,
    n_test: TestRowsOption = None,
    seed: SeedOption = 0,
    pool: PoolOption = None,
    level: LevelsOption = None,
    overrides: SetOption = None,
    format: FormatOption = "jsonl",
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="New folder to write, or its URL in an object store, such as s3://BUCKET/PATH. Default: a "
            "folder named after the data.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Shards made at a time. It does not change the bytes. Default: 1. With --engine "
            "ray: the most tasks at a time; default: the cores of the cluster."
        ),
    ] = None,
    engine: EngineOption = "local",
    address: AddressOption = None,
    shard: ShardOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing data set.")] = False,
    no_steps: Annotated[
        bool, typer.Option("--no-steps", help="Leave out the states between question and target.")
    ] = False,
    prompt: ReaderOption = None,
    look: LookOption = "paper",
    packed: Annotated[
        bool, typer.Option("--packed", help="Parquet: grids as bytes with their shapes, not as nested lists.")
    ] = False,
    with_pictures: PicturesOption = False,
    frames: FramesOption = None,
) -> None:
    """Write a data set: rows, and a manifest with digests. The same command writes the same bytes."""
    from vizbench.console import engines, generating
    from vizbench.console.progress import RowBar
    from vizbench.formats import Execution, Settings, write_splits
    from vizbench.formats.stores import is_url
    from vizbench.formats.writer import format_named, rows_of

    # Episodes of ARC have a layout of their own.
    shown = None if look == "paper" else look
    if format == "arc":
        options = {"--pool": pool, "--level": level, "--prompt": prompt, "--look": shown, "--splits": splits}
        options |= {"--split": split, "--workers": workers, "--no-steps": no_steps}
        options |= {"--n-test": n_test, "--packed": packed, "--pictures": with_pictures, "--frames": frames}
        generating.refuse_for_episodes(options, engine != "local" or shard is not None)
        if out is not None and is_url(out):
            raise UserError("episodes are written to this machine: give a folder as --out")
        folder = None if out is None else Path(out)
        _generate_episodes(with_overrides(task, overrides or []), n, seed, folder, overwrite)
        return

    # Every other format holds rows of one split or both.
    part = engines.part_of(shard)
    counts = generating.counts_of(n, n_test, split, splits)
    length = generating.frames_of(frames)
    settings = Settings(format, not no_steps, prompt or "text", look, packed, with_pictures, length)
    chosen = generating.splits_of(task, overrides, seed, pool, level, counts)
    folder = out or generating.folder_of(chosen, {"pool": pool, "": shown}, part)
    total = sum(rows_of(part, rows, format_named(format)) for rows in counts.values())
    with engines.opened(engine, address, "workers", workers) as runs, RowBar(total) as bar:
        here = 1 if runs is not None or workers is None else workers
        execution = Execution(overwrite, here, bar.show, runs, part, bar.resume)
        written = write_splits(chosen, folder, settings, execution)
    for made in written:
        content = f"{plural(made.rows, 'row')} of {made.spec.task} {made.spec.split}"
        if part.is_whole:
            streams.print_line(f"{folder}: {content}, digest {made.digest}")
        else:
            streams.print_line(f"{folder}: part {part} of {content}; vizbench merge puts the parts together")


def _generate_episodes(name: str, n: int, seed: int, out: Path | None, overwrite: bool) -> None:
    """Write n episodes of a task of ARC, one file each."""
    from vizbench.formats.arc import episodes
    from vizbench.harness.plan.plan import slug

    interrupts.advise("no episodes were written, and the same command starts again")
    folder = out or Path(f"{slug(name)}-episodes-{n}" + (f"-seed{seed}" if seed else ""))
    episodes.write(name, n, seed, folder, overwrite)
    streams.print_line(f"{folder}: {n:,} episodes of {name}, as arc-json:{folder}")


@command()
def merge(
    folders: Annotated[
        list[str], typer.Argument(metavar="FOLDERS", help="The folders or URLs of all parts, in any order.")
    ],
    out: Annotated[str, typer.Option(metavar="PATH", help="New folder to write, or its URL.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing data set. Runs are never replaced.")
    ] = False,
) -> None:
    """Put the parts of a data set or of a run together that `--shard` made. The parts stay as they are."""
    from vizbench.console import merging

    merging.merge(folders, out, overwrite)


DatasetArgument = Annotated[
    str, typer.Argument(metavar="DATASET", help="Folder or URL that `vizbench generate` wrote.")
]
PredictionsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PREDICTIONS", help="JSON Lines file, or folder of pictures or videos: see docs/answers.md."
    ),
]
ProcessOption = Annotated[
    bool, typer.Option("--process", help="Check every state of the process, not only the answer.")
]
KeepOption = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Keep the answers as a run in this folder, for `vizbench report`. Needs --name."
    ),
]
NameOption = Annotated[str | None, typer.Option(help="The model's name in the report. Needs --out.")]
GivenShotsOption = Annotated[
    int | None,
    typer.Option(help="Number of train rows that the model was trained on. Default: 0. Needs --out."),
]


@command()
def score(
    predictions: PredictionsArgument,
    dataset: Annotated[
        str, typer.Option(metavar="PATH", help="Folder or URL that `vizbench generate` wrote.")
    ],
    process: ProcessOption = False,
    split: ScoredSplitOption = None,
    out: KeepOption = None,
    name: NameOption = None,
    shots: GivenShotsOption = None,
    task: FileTaskOption = None,
    json: JsonOption = False,
) -> None:
    """Score saved answers of any model. A row without an answer counts as wrong."""
    from vizbench.harness.score.import_answers import import_score_sheet
    from vizbench.harness.score.score import score_rows, summarize

    if (out is None) != (name is None) or (out is None and shots is not None):
        raise UserError(
            "--out RUNS and --name MODEL keep the answers as a run together, and --shots needs them: give "
            "both, or leave all three out"
        )
    import_named(task)

    # Check the answers, and keep them as a run if a folder is given.
    sheet = score_rows(predictions, dataset, process, split)
    kept = import_score_sheet(sheet, out, name, shots) if out is not None and name is not None else None

    # Print the figures.
    if json:
        streams.print_json(summarize(sheet))
        return
    scores.print_score(summarize(sheet))
    if kept is not None:
        streams.print_line(
            f"kept in {kept}; to compare all models there: vizbench report {out} --html report.html"
        )


command("verify", help="Alias of `score`, with the data set as the first argument.")(
    with_positional(score, "dataset", DatasetArgument)
)


@command(name="eval")
def evaluate(
    context: typer.Context,
    config: ConfigOption = None,
    model: ModelsOption = None,
    shots: ShotsOption = "16",
    task: TasksOption = None,
    suite: SuiteOption = None,
    data: DataOption = None,
    n_test: TestOption = 200,
    seed: FirstSeedOption = 0,
    seeds: SeedsOption = 1,
    pool: PoolOption = None,
    attempts: AttemptsOption = None,
    protocol: ProtocolOption = None,
    checkpoint: CheckpointOption = None,
    steps: StepsOption = None,
    epochs: EpochsOption = None,
    augment: AugmentOption = None,
    flagged: FlaggedOption = "keep",
    prompt: PromptOption = None,
    supervision: SupervisionOption = "target",
    look: LookOption = "paper",
    limit: LimitOption = None,
    jobs: JobsOption = None,
    devices: DevicesOption = 1,
    engine: EngineOption = "local",
    address: AddressOption = None,
    shard: ShardOption = None,
    out: RunOption = None,
    offline: OfflineOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Adapt models to tasks, and compare them with trivial baselines. The same command resumes a run."""
    from vizbench.console import engines
    from vizbench.console import evaluate as running
    from vizbench.harness.plan.options import options_of
    from vizbench.harness.plan.plan import plan_of

    # The context has all options, those of a plan file as defaults. They are read as one record.
    del config, model, shots, task, suite, data, n_test, seed, seeds, pool, attempts, protocol, checkpoint
    del steps, epochs, augment, flagged, prompt, supervision, look, limit
    if offline:  # environment variables, because processes of --jobs and the hub's library read them
        os.environ.update(VIZBENCH_OFFLINE="1", HF_HUB_OFFLINE="1")
    plan = plan_of(options_of(context.params))

    # Check the folder, and report what the plan leaves out or weakens.
    part = engines.part_of(shard)
    suffix = "" if part.is_whole else f"-part{part.index}of{part.count}"
    folder = out or Path("runs") / f"{plan.name}{suffix}"
    if not is_utf8(str(folder)):  # --json prints it
        raise UserError(f"--out {str(folder)[:80]!r} is not UTF-8: choose another folder")
    if plan.suite == "paper" and plan.data is None:
        streams.print_note("suite paper without --data: its ARC tasks are left out")
    if plan.pool < max(plan.shots):
        streams.print_note(
            f"pool {plan.pool:,} is below {max(plan.shots):,} shots: test questions may be close to training "
            "examples"
        )
    if dry_run:
        interrupts.advise("nothing was written, and the same command starts again")
        if engine != "local" or not part.is_whole:
            raise UserError(
                "--dry-run estimates one process and the whole plan: leave --engine and --shard out"
            )
        running.dry_run(plan, folder, 1 if jobs is None else jobs, json)
        return
    interrupts.advise(f"the same command continues from what is in {folder}")
    if engine != "local" and (devices > 1 or env.world_size() > 1):
        raise UserError(f"--engine {engine} gives each trial one process: leave --devices and launchers out")
    here = 1 if jobs is None or engine != "local" else jobs
    relaunch(devices, here)
    with engines.opened(engine, address, "jobs", jobs) as runs:
        running.run_and_report(plan, folder, here, json, runs, part)


@command()
def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUNS", help="Folders that `eval` or `score --out` wrote.")
    ],
    html: Annotated[Path | None, typer.Option("--html", help="Web page to write.")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="Table to write: one row per task, model and number of shots. Incomplete trials go to "
            "NAME-incomplete.csv beside it.",
        ),
    ] = None,
    md: Annotated[Path | None, typer.Option("--md", help="Markdown file to write, with the tables.")] = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Folder to write the plots to: PNG, SVG and PDF.")
    ] = None,
) -> None:
    """Write a report of runs as a web page, tables or plots. It needs only the records of the runs."""
    from vizbench.harness.records.records import read_runs, read_unstarted
    from vizbench.harness.report import export
    from vizbench.harness.report.report import write_report
    from vizbench.harness.stats.incomplete import incomplete_trials, write_incomplete

    if not any((html, csv, md, figures)):
        raise UserError(
            "no output is named: give one or more of --html FILE, --csv FILE, --md FILE, --figures FOLDER"
        )
    trials, unstarted = read_runs(runs), read_unstarted(runs)
    incomplete = incomplete_trials(trials, unstarted)

    # Write the files that are named.
    if html is not None:
        write_report(trials, unstarted, html)
    if csv is not None:
        export.write_csv(trials, csv)
        beside = csv.with_name(f"{csv.stem}-incomplete.csv")
        if incomplete or beside.exists():  # an old file would list trials that are complete by now
            write_incomplete(incomplete, beside)
    if md is not None:
        export.write_markdown(trials, md, unstarted)
    if figures is not None:
        from vizbench.harness.report.report import write_figures

        write_figures(trials, figures)

    # Name the files on stdout, and the incomplete trials on stderr.
    for path in filter(None, (html, csv, md, figures)):
        streams.print_line(str(path))
    results.print_incomplete(incomplete)


@command()
def pretrain(
    family: Annotated[
        Literal["cogvideox", "qwen3"], typer.Argument(metavar="FAMILY", help="Embedded model to train.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for weights, log and state. A run in it is continued.")],
    seed: Annotated[int, typer.Option(help="Seed of the weights and of the pretraining data.")] = 0,
    steps: Annotated[
        int | None, typer.Option(help="Number of optimizer steps. Default: that of the embedded checkpoint.")
    ] = None,
) -> None:
    """Train an embedded checkpoint again from a seed."""
    from vizbench.baselines.embedded.pretrain import pretrain as train

    interrupts.advise(f"the same command continues from what is in {out}")
    train(family, out, seed, steps)
    streams.print_line(str(out))


if __name__ == "__main__":
    main()
