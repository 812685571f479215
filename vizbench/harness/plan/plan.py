"""Describe a plan: the product of tasks, models, shots and seeds. Each combination is one trial."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, cast, final, get_args

import msgspec

from vizbench import loading
from vizbench._util.numbers import is_whole
from vizbench._util.params import read
from vizbench._util.text import plural
from vizbench.dataset.splits import POOL, check_pool
from vizbench.errors import UserError, unknown
from vizbench.formats import lookup
from vizbench.harness.plan import frozen, suites
from vizbench.harness.plan.augment import KINDS as AUGMENTS
from vizbench.harness.plan.options import Options, PlanOptions
from vizbench.harness.plan.suites import (
    CORPORA,
    DEFAULT_TASK,
    FLAGGED,
    NEED_DATA,
    PROTOCOL_QUESTIONS,
    PROTOCOLS,
    SUITE_PROTOCOL,
)
from vizbench.model import (
    PROMPTS,
    ModelRef,
    Prompt,
    default_prompt,
    families,
    resolve_model,
    split_checkpoint,
)
from vizbench.renderers.looks import LOOKS, LookName
from vizbench.seeds import check_seed
from vizbench.task.contract import Task

TRIVIAL: Final = ("copy", "blank", "majority", "random", "nearest", "solver")
"""Baselines that run beside every model, on the same questions."""

NEED_EXAMPLES: Final = ("majority", "nearest")
"""Baselines that are left out at 0 shots, because they answer from the examples only."""

PROMPTED: Final = "task prompt"
"""Says in a trial's `training` that the model is asked with the task's prompt."""
Supervision: TypeAlias = Literal["target", "process"]

SUPERVISIONS: Final[tuple[Supervision, ...]] = get_args(Supervision)
"""target: models are shown the question and its target, as in the paper. process: every state between."""

UNREPORTED: Final[dict[str, str]] = {
    "optimizer steps or epochs at each number of shots": "as the model chooses, "
    "or as --steps or --epochs says",
    "sampler, its steps and its guidance": "the model's own; the embedded one takes one step, no guidance",
    "prompt text": "none: video models see one neutral embedding, language models only the question; "
    "api sends the task's prompt, then each example as JSON; --prompt changes this",
    "JSON template": "compact JSON, or one line of digits per row, as the model asks",
    "choice of checkpoint": "the weights of the last optimizer step",
    "number of training seeds": "as --seeds says, each with data of its own",
}
"""Choices that the paper does not report, and ours."""


@final
class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measurement: a model, a task, a number of shots and a seed."""

    task: str
    """Name of the task, with its parameters."""
    model: str
    """Name of the model."""
    checkpoint: str
    """Its weights, by name."""
    shots: int | None
    """Number of training examples. None: all demonstrations of an ARC task. 0: only the prompt."""
    seed: int
    """Seed of the data, of training and of the answers."""
    n_test: int
    """Test questions."""
    attempts: int
    """Answers per question."""
    steps: int | None = None
    """Optimizer steps that the plan prescribes. None: as the model chooses."""
    epochs: int | None = None
    """Passes over the examples that the plan prescribes. None: as the model chooses."""
    augment: str | None = None
    """Kinds of variants that are added to the examples (`augment.KINDS`), joined by commas."""
    pool: int = POOL
    """Test questions keep their distance from so many of the first train rows."""
    prompt: Prompt = "none"
    """What the model is told besides the question: nothing, or the task's prompt."""
    supervision: Supervision = "target"
    """What the model is shown of each example: its target, or every state of its process."""
    look: LookName = "paper"
    """How grids are drawn for a model that sees pictures."""

    @property
    def training(self) -> str:
        """How long the plan has the model train, on what, in which look, and with which prompt, in words.

        It is part of what tells two models apart, so that tables and curves keep them apart.
        """
        if self.model in TRIVIAL:
            return "none"
        length = self._length
        if self.augment is not None:
            length = f"{length}, with {self.augment.replace(',', ' and ')}"
        if self.supervision == "process":
            length = f"{length}, shown the process"
        if self.look != "paper":
            length = f"{length}, look {self.look}"
        if self.prompt == "none":
            return length
        return PROMPTED if length == "the model's own" else f"{length}, {PROMPTED}"

    @property
    def _length(self) -> str:
        if self.steps is not None:
            return plural(self.steps, "optimizer step")
        return "the model's own" if self.epochs is None else plural(self.epochs, "epoch")

    @property
    def directory(self) -> str:
        """A folder name that differs between trials of different data or models.

        The numbers of questions, attempts and steps, the supervision and the look are left out: a change of
        these is a changed plan, not another trial.
        """
        shots = "all" if self.shots is None else str(self.shots)
        return "__".join(
            [slug(self.task), slug(self.model), slug(self.checkpoint), f"n{shots}", f"s{self.seed}"]
        )


@final
class Plan(PlanOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one call of `vizbench eval` measures. Raises UserError if a value is not allowed."""

    models: tuple[str, ...] = ()
    """Models: NAME, FILE.py:Class, or either with =CHECKPOINT."""
    tasks: tuple[str, ...] = ()
    """Names of tasks, or LAYOUT:PATH for files."""
    shots: tuple[int, ...] = (16,)
    """Numbers of training examples, 0 … 5000 each. 0 is for models that are asked with a prompt."""
    seeds: tuple[int, ...] = (0,)
    """Each seed has data and a training run of its own."""
    augment: tuple[str, ...] = ()
    """Variants of ARC demonstrations that models train on (`augment.KINDS`); baselines do not."""

    def __post_init__(self) -> None:
        self._check_tasks()
        self._check_names()
        self._check_numbers()
        self._check_protocol()
        self._check_frozen()

    def _check_tasks(self) -> None:
        """Raise UserError if there is no task, or if suite and data do not fit together."""
        if self.suite is not None and self.suite not in suites.names():
            raise unknown("suite", self.suite, suites.names())
        if not self.tasks and self.suite is None:
            raise UserError(f"the plan has no task: name one, or a suite ({', '.join(suites.names())})")
        if self.data is not None and self.suite not in CORPORA:
            raise UserError(
                f"data is read by the suites {', '.join(CORPORA)} only: name ARC files as task arc-json:PATH"
            )
        if self.suite in NEED_DATA and self.data is None:
            raise UserError(
                f"suite {self.suite} has no files of its own: give a folder of ARC JSON files as data"
            )

    def _check_names(self) -> None:
        """Raise UserError if an option has a value that is not among the known ones."""
        for kind in self.augment:
            if kind not in AUGMENTS:
                raise unknown("augmentation", kind, AUGMENTS)
        if self.flagged not in FLAGGED:
            raise unknown("value of flagged", self.flagged, FLAGGED)
        if self.prompt is not None and self.prompt not in PROMPTS:
            raise unknown("value of prompt", self.prompt, PROMPTS)
        if self.supervision not in SUPERVISIONS:
            raise unknown("supervision", self.supervision, SUPERVISIONS)
        if self.look not in LOOKS:
            raise unknown("look", self.look, LOOKS)

    def _check_numbers(self) -> None:
        """Raise UserError if a number is out of range, or if both steps and epochs are given."""
        _check_each("shots", self.shots, 0, 5000, 11)
        _check_each("seeds", self.seeds, 0, (1 << 63) - 1, 100)
        _check("n_test", self.n_test, 1, 10_000)
        check_pool(self.pool)
        for what, value, most in (
            ("attempts", self.attempts, 100),
            ("limit", self.limit, 10_000),
            ("steps", self.steps, 10**7),
            ("epochs", self.epochs, 10**5),
        ):
            if value is not None:
                _check(what, value, 1, most)
        if self.steps is not None and self.epochs is not None:
            raise UserError("the plan fixes steps and epochs: give one of them")

    def _check_protocol(self) -> None:
        """Raise UserError if attempts or questions differ from what the protocol requires."""
        name = self.protocol_name
        if name is None:
            return
        if name not in PROTOCOLS:
            raise unknown("protocol", name, PROTOCOLS)
        if self.attempts not in (None, PROTOCOLS[name]):
            raise UserError(
                f"protocol {name} takes {plural(PROTOCOLS[name], 'attempt')} and the plan says "
                f"{self.attempts}: leave attempts out, or name the files as task arc-json:PATH "
                "without a protocol"
            )
        if self.n_test < PROTOCOL_QUESTIONS:
            raise UserError(
                f"protocol {name} asks every test input and the plan says n_test {self.n_test}: "
                "leave n_test out"
            )

    def _check_frozen(self) -> None:
        """Raise UserError if the plan asks other questions than its frozen suite has."""
        if self.suite not in frozen.suites():
            return
        suite = frozen.read(self.suite)
        for what, given, fixed in (("n_test", self.n_test, suite.n_test), ("pool", self.pool, suite.pool)):
            if given != fixed:
                raise UserError(
                    f"suite {self.suite} has {what} {fixed} and the plan says {given}: leave {what} out"
                )
        if other := set(self.seeds) - set(suite.seeds):
            seeds = ", ".join(map(str, suite.seeds))
            raise UserError(
                f"suite {self.suite} has the seeds {seeds} and the plan says {min(other)}: choose among these"
            )

    def check_questions(self, trials: Sequence[Trial]) -> None:
        """Raise UserError if the questions of trials are not the ones that the frozen suite has."""
        if self.suite in frozen.suites():
            frozen.check(self.suite, [(trial.task, trial.seed) for trial in trials])

    @property
    def protocol_name(self) -> str | None:
        """The protocol that applies: that of the plan, or else that of its suite."""
        return SUITE_PROTOCOL.get(self.suite or "") if self.protocol is None else self.protocol

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models without their checkpoints, each once."""
        return tuple(dict.fromkeys(split_checkpoint(model)[0] for model in self.models))

    @property
    def name(self) -> str:
        """A short folder name for the run, made of its models and its tasks."""
        models = [
            model.replace("=", "-") for model in self.models if split_checkpoint(model)[0] not in TRIVIAL
        ]
        if self.checkpoint:
            models.append(self.checkpoint)
        tasks = [self.suite, *self.tasks] if self.suite else self.tasks
        return slug("-".join(models) or "trivial") + "_" + slug("-".join(tasks))

    def trials(self) -> tuple[Trial, ...]:
        """Return every trial: trivial baselines first, then the models, task by task.

        Reads ARC folders. Builds no model.
        """
        chosen = self._chosen()
        names = self._kept_tasks()
        if self.supervision == "process":
            _check_processes(chosen, names)
        if self.look != "paper":
            _check_eyes(chosen)
        refs = [*(resolve_model(name) for name in TRIVIAL), *chosen]
        trials: list[Trial] = []
        for ref in dict.fromkeys(refs):
            for name in names:
                trials += self._trials_of(ref, name)
        return tuple(trials)

    def dropped(self) -> dict[str, list[str]]:
        """Return the tasks that are left out as flagged, with what is wrong in each."""
        if self.flagged == "keep":
            return {}
        flaws = {name: loading.flaws(name) for name in self._all_tasks()}
        return {name: sentences for name, sentences in flaws.items() if sentences}

    def _trials_of(self, ref: ModelRef, task: str) -> list[Trial]:
        """Return the trials of one model on one task, by shots and seed."""
        corpus = lookup.is_corpus(task)
        if ref.name == "solver" and corpus:
            return []  # the rules of ARC tasks are not known
        prompt = self._prompt(ref)
        shots = (None,) if corpus else self._shots(ref, prompt)
        pool = POOL if corpus else self.pool
        attempts = self.attempts or PROTOCOLS.get(self.protocol_name or "", 1)
        schedule = self._schedule(ref)
        # A baseline is shown targets under each supervision and sees no pictures: it answers with one grid.
        trivial = ref.name in TRIVIAL
        shown: Supervision = "target" if trivial else cast("Supervision", self.supervision)
        look: LookName = "paper" if trivial else cast("LookName", self.look)
        return [
            Trial(
                task,
                ref.name,
                ref.checkpoint,
                n,
                seed,
                self.n_test,
                attempts,
                *schedule,
                pool,
                prompt=prompt,
                supervision=shown,
                look=look,
            )
            for n in shots
            for seed in dict.fromkeys(self.seeds)
        ]

    def _shots(self, ref: ModelRef, prompt: Prompt) -> tuple[int, ...]:
        """Return the numbers of shots of a model. Raises UserError if 0 shots would tell it nothing."""
        shots = tuple(dict.fromkeys(self.shots))
        if ref.name in NEED_EXAMPLES:
            return tuple(n for n in shots if n)
        if 0 in shots and ref.name not in TRIVIAL and prompt == "none":
            raise UserError(
                f"0 shots tell {ref.name[:80]} nothing, because it is asked without a prompt: add --prompt "
                "task if it reads prompts, or leave 0 out of --shots"
            )
        return shots

    def _schedule(self, ref: ModelRef) -> tuple[int | None, int | None, str | None]:
        """Return the steps, epochs and variants of a model's trials; none for the baselines.

        Baselines do not train, so their trials stay the same if only the training of models changes.
        """
        if ref.name in TRIVIAL:
            return None, None, None
        kinds = ",".join(kind for kind in AUGMENTS if kind in self.augment)
        return self.steps, self.epochs, kinds or None

    def _prompt(self, ref: ModelRef) -> Prompt:
        """Return what a model is told; baselines are told nothing."""
        if ref.name in TRIVIAL or self.prompt == "none":
            return "none"
        return default_prompt(ref.name) if self.prompt is None else "task"

    def _chosen(self) -> list[ModelRef]:
        """Return the models that are not baselines.

        Raises UserError if a baseline has a checkpoint, or if it is not clear whose the checkpoint is.
        """
        named = list(dict.fromkeys(map(split_checkpoint, self.models)))
        if self.checkpoint is not None:
            if named and {name for name, _ in named} <= set(TRIVIAL):
                raise UserError(
                    f"checkpoint {self.checkpoint[:80]!r}: a trivial baseline has none, leave it out, "
                    "or give a model its own by --model NAME=CHECKPOINT"
                )
            named = [self._with_checkpoint(named, self.checkpoint)]
        if self.prompt == "task" and {name for name, _ in named} <= set(TRIVIAL):
            raise UserError(
                "prompt task: the trivial baselines read no prompt, name a model that does, or leave it out"
            )
        for name, checkpoint in named:
            if name in TRIVIAL and checkpoint is not None:
                raise UserError(
                    f"checkpoint {checkpoint[:80]!r}: the trivial baseline {name} has none, leave it out"
                )
        return [resolve_model(name, checkpoint) for name, checkpoint in named if name not in TRIVIAL]

    @staticmethod
    def _with_checkpoint(named: Sequence[tuple[str, str | None]], checkpoint: str) -> tuple[str, str]:
        """Return the one named model with the plan's checkpoint."""
        if len(named) != 1:
            models = ", ".join(name[:80] for name, _ in named)
            asked = f"names {len(named)} ({models})" if named else "names no model that has checkpoints"
            raise UserError(
                f"checkpoint {checkpoint[:80]!r} is of one model, but the plan {asked}: "
                "give each its own by --model NAME=CHECKPOINT"
            )
        ((name, own),) = named
        if own is not None:
            raise UserError(
                f"model {name[:80]} has two checkpoints, {own[:80]!r} and {checkpoint[:80]!r}: give one"
            )
        return name, checkpoint

    def _kept_tasks(self) -> list[str]:
        """Return the tasks without the dropped ones.

        Raises UserError if none is left, or if a task is not from ARC and an option requires it.
        """
        dropped = self.dropped()
        names = [name for name in self._all_tasks() if name not in dropped]
        if not names:
            raise UserError("every task of the plan is flagged and dropped: leave flagged = drop out")
        only_corpora = all(map(lookup.is_corpus, names))
        if self.protocol_name and not only_corpora:
            raise UserError(
                f"protocol {self.protocol_name} is for ARC tasks only: leave the others out of the plan"
            )
        if self.augment and not only_corpora:
            raise UserError(
                "augment is for ARC tasks only, which have few demonstrations: leave it or the others out"
            )
        return names

    def _all_tasks(self) -> list[str]:
        """Return the name of every task, each once. Reads ARC folders."""
        named = [*self.tasks, *(suites.tasks_of(self.suite) if self.suite else ())]
        if self.data is not None:
            named.append(f"arc-json:{self.data}")
        return list(dict.fromkeys(name for task in named for name in loading.expand(task)))


def plan_of(options: Options) -> Plan:
    """Return the plan that options describe. Raises UserError if a value is not allowed."""
    shared = {name: getattr(options, name) for name in PlanOptions.__struct_fields__}
    tasks = _listed(options.task)
    if not tasks and not options.suite:
        tasks = (DEFAULT_TASK,)
    augment = options.augment
    return Plan(
        models=_listed(options.model),
        tasks=tasks,
        shots=_shots(options.shots),
        seeds=seed_list(options.seed, options.seeds),
        augment=tuple(augment.split(",") if isinstance(augment, str) else augment),
        **shared,
    )


def _check_processes(models: Sequence[ModelRef], tasks: Sequence[str]) -> None:
    """Raise UserError if a task has no process, or if no model or not every model can show one."""
    if not models:
        raise UserError(
            "supervision = process needs a model that can show states, and trivial baselines answer with one "
            "grid: name a model, or leave supervision out"
        )
    for model in models:
        known = families().get(model.name)
        if known is not None and known.modality == "grid":
            raise UserError(
                f"supervision = process needs a model that can show states, and {model.name} answers with "
                "one grid: name another model, or leave supervision out"
            )
    for task in tasks:
        verifier = lookup.verifier_of(task)
        if not isinstance(verifier, Task) or verifier.resizes:
            raise UserError(
                f"supervision = process needs tasks with a process, and {task[:80]} has none: leave it out, "
                "or leave supervision out"
            )


def _check_eyes(models: Sequence[ModelRef]) -> None:
    """Raise UserError if no model or not every model sees pictures."""
    if not models:
        raise UserError(
            "a look needs a model that sees pictures, and trivial baselines see grids: name a model, or "
            "leave look out"
        )
    for model in models:
        known = families().get(model.name)
        if known is not None and known.modality in ("grid", "text"):
            raise UserError(
                f"a look needs a model that sees pictures, and {model.name} sees none: name another model, "
                "or leave look out"
            )


def seed_list(first: int, count: int) -> tuple[int, ...]:
    """Return the seeds first … first+count-1, 1 … 100 of them.

    Neighbouring seeds share no data, because each is hashed.
    """
    _check("seeds", count, 1, 100)
    check_seed(first + count - 1)
    return tuple(range(check_seed(first), first + count))


def slug(text: str) -> str:
    """Return `text` as a short folder name. If characters are lost, a digest of the text is added."""
    plain = text.replace("/", "-")
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", plain):
        return plain
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip(".-")[:31].rstrip(".-") + f"-{digest}"


def _listed(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _shots(given: int | str | Sequence[int]) -> tuple[int, ...]:
    """Return numbers of shots from a number, a list, or text such as 3,30,300."""
    if isinstance(given, int):
        return (given,)
    if not isinstance(given, str):
        return tuple(given)
    try:
        return tuple(read("shots", part.strip(" "), int) for part in given.split(","))
    except UserError:
        raise UserError(
            f"--shots {given[:80]!r} is no list of whole numbers: write it as --shots 3,30,300"
        ) from None


def _check_each(what: str, values: Sequence[int], low: int, high: int, most: int) -> None:
    if not 1 <= len(values) <= most:
        raise UserError(f"{what} has {len(values)} values: give 1 … {most}")
    for value in values:
        _check(what, value, low, high)


def _check(what: str, value: int, low: int, high: int) -> None:
    if not is_whole(value, low, high):
        raise UserError(f"{what} {str(value)[:40]} is outside {low} … {high}: choose a whole number there")
