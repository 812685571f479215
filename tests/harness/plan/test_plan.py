"""Test plans: their trials, what they refuse, and folder names that differ between trials."""

from __future__ import annotations

import json

import msgspec
import pytest

from vizbench import loading
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Plan, Trial, seed_list, slug
from vizbench.harness.plan.suites import SUITES, tasks_of
from vizbench.harness.stats.paper import paper
from vizbench.model import Schedule
from vizbench.task.contract import LEVELS, Reasoning
from vizbench.task.registry import families, spec, tasks


def test_trials_are_the_product_with_the_baselines_first():
    plan = Plan(models=("copy",), tasks=("life", "life/conway"), shots=(3, 16), seeds=(0, 9), n_test=7)
    trials = plan.trials()
    models = [trial.model for trial in trials]
    assert models == [name for name in TRIVIAL for _ in range(4)]
    assert [(trial.shots, trial.seed) for trial in trials[:4]] == [(3, 0), (3, 9), (16, 0), (16, 9)]
    assert {trial.task for trial in trials} == {"life/conway"}
    assert len({trial.directory for trial in trials}) == len(trials)


def test_a_limit_is_no_other_plan():
    assert Plan(tasks=("life",), limit=3).trials() == Plan(tasks=("life",)).trials()


def test_every_task_of_every_suite_exists():
    for suite, names in SUITES.items():
        known = {*tasks(), *(f"{name}/level{level}" for name in families() for level in range(LEVELS))}
        assert suite.startswith("arc-agi-") or set(names) <= known
    assert SUITES["arc-agi-1"] == ("arc-agi-1:evaluation",)
    assert {trial.task for trial in Plan(suite="core").trials()} == set(SUITES["core"])


def test_the_core_has_20_families_of_all_kinds_of_reasoning():
    chosen = [spec(name).task for name in SUITES["core"]]
    assert len(chosen) == len({task.family for task in chosen}) == 20
    assert {task.reasoning for task in chosen} == set(Reasoning)


def test_the_suite_of_all_has_the_default_of_each_family():
    names = tasks_of("all")
    assert [name.partition("/")[0] for name in names] == list(families())
    assert [spec(name.partition("/")[0]).name for name in names] == list(names)
    measured = {trial.task for trial in Plan(suite="all").trials()}
    assert measured == {each for name in names for each in loading.expand(name)}


def test_the_papers_suite_is_its_parts_and_its_tables():
    parts = [SUITES[f"paper/{part}"] for part in ("games", "navigation", "automata")]
    assert [len(part) for part in parts] == [5, 3, 25]
    assert SUITES["paper"] == sum(parts, ())
    assert set(paper().accuracy_by_shots) == set(SUITES["paper"])


def test_a_folder_of_arc_files_joins_the_suites_that_take_one(tmp_path):
    pair = {"input": [[1]], "output": [[2]]}
    (tmp_path / "a.json").write_text(json.dumps({"train": [pair], "test": [pair]}))
    arc = f"arc-json:{tmp_path}/a.json"
    assert {trial.task for trial in Plan(suite="paper/arc", data=str(tmp_path)).trials()} == {arc}
    assert {trial.task for trial in Plan(suite="paper", data=str(tmp_path)).trials()} == {
        *SUITES["paper"],
        arc,
    }
    assert {trial.task for trial in Plan(suite="paper").trials()} == set(SUITES["paper"])


def test_a_protocol_sets_the_attempts(tmp_path):
    pair = {"input": [[1]], "output": [[2]]}
    (tmp_path / "a.json").write_text(json.dumps({"train": [pair], "test": [pair]}))
    data, files = str(tmp_path), (f"arc-json:{tmp_path}",)
    assert {trial.attempts for trial in Plan(suite="concept-arc", data=data).trials()} == {3}
    assert {
        trial.attempts for trial in Plan(suite="concept-arc", data=data, protocol="arc-agi").trials()
    } == {2}
    assert {trial.attempts for trial in Plan(suite="concept-arc", data=data, attempts=3).trials()} == {3}
    assert {trial.attempts for trial in Plan(tasks=files, protocol="arc-agi").trials()} == {2}
    assert {trial.attempts for trial in Plan(tasks=files).trials()} == {1}
    assert Plan(suite="arc-agi-1").protocol_name == Plan(suite="arc-agi-2").protocol_name == "arc-agi"
    with pytest.raises(UserError, match="for ARC tasks only"):
        Plan(tasks=("life", *files), protocol="arc-agi").trials()


def test_fixed_training_is_the_models_and_not_the_baselines():
    trials = Plan(tasks=("life",), models=("nearest", "cogvideox"), steps=7).trials()
    assert {trial.model: trial.steps for trial in trials} == dict.fromkeys(TRIVIAL) | {"cogvideox": 7}
    assert {trial.training for trial in trials} == {"none", "7 optimizer steps"}
    (trial,) = (
        c for c in Plan(tasks=("life",), models=("cogvideox",), epochs=3).trials() if c.model == "cogvideox"
    )
    assert (trial.steps, trial.epochs, trial.training) == (None, 3, "3 epochs")
    assert msgspec.structs.replace(trial, epochs=None).training == "the model's own"
    assert msgspec.structs.replace(trial, epochs=9).directory == trial.directory


def prompts(**fields):
    """Return what each model of a plan is told, by name."""
    return {trial.model: trial.prompt for trial in Plan(tasks=("life",), **fields).trials()}


def test_api_is_prompted_by_default_and_trained_models_are_not():
    none = dict.fromkeys(TRIVIAL, "none")
    models = ("api=m", "qwen3")
    assert prompts(models=models) == none | {"api": "task", "qwen3": "none"}
    assert prompts(models=models, prompt="none") == none | {"api": "none", "qwen3": "none"}
    assert prompts(models=models, prompt="task") == none | {"api": "task", "qwen3": "task"}


def test_a_prompt_is_part_of_what_tells_models_apart():
    def training(**fields):
        plan = Plan(tasks=("life",), models=("qwen3",), prompt="task", **fields)
        return plan.trials()[-1].training

    assert training() == "task prompt"
    assert training(steps=7) == "7 optimizer steps, task prompt"
    trial = Plan(tasks=("life",), models=("qwen3",), prompt="task").trials()[-1]
    assert trial.directory == msgspec.structs.replace(trial, prompt="none").directory


def test_a_prompt_for_nobody_is_refused():
    for models in ((), ("copy",)):
        with pytest.raises(UserError, match="trivial baselines read no prompt"):
            Plan(tasks=("life",), models=models, prompt="task").trials()


def test_no_shots_are_for_prompted_models_and_for_baselines_that_need_none():
    trials = Plan(tasks=("life",), models=("api=m",), shots=(0, 3)).trials()
    unshown = [trial.model for trial in trials if trial.shots == 0]
    assert unshown == ["copy", "blank", "random", "solver", "api"]
    assert {trial.model for trial in trials if trial.shots == 3} == {*TRIVIAL, "api"}
    for models, prompt in ((("qwen3",), None), (("api=m", "qwen3"), None), (("api=m",), "none")):
        with pytest.raises(UserError, match=r"0 shots tell (qwen3|api) nothing, .*: add --prompt task"):
            Plan(tasks=("life",), shots=(0,), models=models, prompt=prompt).trials()


def test_steps_of_an_epoch():
    assert Schedule().count(100, 8, own=50) == 50
    assert Schedule(steps=7).count(100, 8, own=50) == 7
    assert Schedule(epochs=2).count(100, 8, own=50) == 25
    assert Schedule(epochs=1).count(3, 16, own=50) == 1


def test_a_folder_of_arc_files_is_one_task_a_file_with_its_own_examples_and_no_solver(tmp_path):
    for name in ("b", "a"):
        pair = {"input": [[1]], "output": [[2]]}
        (tmp_path / f"{name}.json").write_text(json.dumps({"train": [pair], "test": [pair]}))
    trials = Plan(tasks=(f"arc-json:{tmp_path}",), shots=(3, 5)).trials()
    assert {trial.shots for trial in trials} == {None}
    copied = [trial.task for trial in trials if trial.model == "copy"]
    assert copied == [f"arc-json:{tmp_path}/{name}.json" for name in "ab"]
    assert "solver" not in {trial.model for trial in trials}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "no task"),
        ({"suite": "cor"}, "did you mean core"),
        ({"tasks": ("life",), "shots": ()}, "shots has 0 values"),
        ({"tasks": ("life",), "shots": (5001,)}, "shots 5001 is outside 0 … 5000"),
        ({"tasks": ("life",), "prompt": "tasks"}, "unknown value of prompt 'tasks': did you mean task"),
        ({"tasks": ("life",), "shots": (10**12,)}, "shots 1000000000000 is outside"),
        ({"tasks": ("life",), "shots": (-3,)}, "outside"),
        ({"tasks": ("life",), "shots": (True,)}, "outside"),
        ({"tasks": ("life",), "n_test": 0}, "n_test 0 is outside 1 … 10000"),
        ({"tasks": ("life",), "n_test": 10_001}, "outside"),
        ({"tasks": ("life",), "attempts": 101}, "attempts 101 is outside 1 … 100"),
        ({"tasks": ("life",), "limit": 0}, "limit 0"),
        ({"tasks": ("life",), "steps": 0}, "steps 0"),
        ({"tasks": ("life",), "epochs": 10**6}, "epochs 1000000"),
        ({"tasks": ("life",), "epochs": 1, "steps": 1}, "give one of them"),
        ({"suite": "paper/arc"}, "give a folder of ARC JSON files"),
        ({"suite": "concept-arc"}, "give a folder of ARC JSON files"),
        ({"suite": "concept-arc", "data": "x", "attempts": 2}, "takes 3 attempts and the plan says 2"),
        ({"suite": "arc-agi-1", "attempts": 1}, "takes 2 attempts and the plan says 1"),
        ({"suite": "arc-agi-2", "n_test": 2}, "asks every test input"),
        ({"tasks": ("life",), "protocol": "arc-agj"}, "did you mean arc-agi"),
        ({"suite": "core", "data": "x"}, "data is read by the suites paper/arc, paper"),
        ({"tasks": ("life",), "seeds": (-1,)}, "seeds -1"),
        ({"tasks": ("life",), "seeds": tuple(range(101))}, "101 values"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(fields, words):
    with pytest.raises(UserError, match=words) as caught:
        Plan(**fields)
    assert "\n" not in str(caught.value)


def test_bounds_themselves_are_fine():
    Plan(tasks=("life",), shots=(0, 5000), n_test=10_000, attempts=100, limit=10_000, seeds=(2**63 - 1,))


def test_unknown_names_list_near_ones():
    with pytest.raises(UserError, match=r"unknown task 'life/conwai': did you mean .*life/conway"):
        Plan(tasks=("life/conwai",)).trials()
    with pytest.raises(UserError, match="unknown model 'nearst': did you mean nearest"):
        Plan(tasks=("life",), models=("nearst",)).trials()


def test_seed_list():
    assert seed_list(5, 3) == (5, 6, 7)
    for first, count in ((0, 0), (0, 101), (-1, 2), (2**63 - 1, 2)):
        with pytest.raises(UserError):
            seed_list(first, count)


@pytest.mark.parametrize(
    "other", ["life/Conway", "life-conway ", "..", "../x", "a" * 300, "life/conway?steps=2", "é"]
)
def test_folder_names_are_plain_and_differ(other):
    made = slug(other)
    assert "/" not in made
    assert ".." not in made
    assert len(made) <= 40
    assert made != slug("life/conway")


def test_directories_differ_by_data_and_model_and_not_by_how_much_is_asked():
    trial = Trial("life/conway", "copy", "none", 16, 0, 200, 1)
    same = {"n_test": 3, "attempts": 2}
    other = {"task": "life/seeds", "model": "blank", "checkpoint": "x", "shots": None, "seed": 1}
    for field, value in (same | other).items():
        changed = msgspec.structs.replace(trial, **{field: value})
        assert (changed.directory == trial.directory) is (field in same)


def test_run_names_come_from_the_plan():
    assert Plan(suite="core", models=("qwen3",)).name == "qwen3_core"
    assert Plan(tasks=("life",)).name == "trivial_life"
    assert Plan(tasks=("life",), models=("a/b.py:C",)).name.count("/") == 0


def test_a_checkpoint_for_trivial_baselines_only_is_refused():
    with pytest.raises(UserError, match="leave it out"):
        Plan(models=("copy", "nearest"), tasks=("life/conway",), checkpoint="tiny").trials()
    assert Plan(models=("copy",), tasks=("life/conway",)).trials()
