"""Test the trivial baselines on tiny grids: each does what its name says."""

from __future__ import annotations

import numpy as np
import pytest

import vizbench as vb
from vizbench.baselines.trivial import FAMILIES, Blank, Copy, Majority, Nearest, Random, Solver
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.model import Context, Example, family


def grid(*rows):
    return np.array(rows, np.uint8)


def context(task="life/conway", seed=0):
    data = vb.load(task)
    return Context(data.verifier, data.params, seed, lambda progress: None)


def answers(model, examples, questions, attempts=1, seed=0):
    assert model.adapt(examples, context()) == {}
    return [list(grids) for grids in model.predict(questions, attempts, seed)]


PAIRS = [
    Example(grid([0, 0], [0, 1]), grid([1, 0], [0, 0])),
    Example(grid([0, 0], [1, 1]), grid([1, 1], [0, 0])),
    Example(grid([1, 1], [1, 1]), grid([0, 1], [1, 0])),
]


def test_the_plan_knows_every_family_by_name():
    assert tuple(family.name for family in FAMILIES) == TRIVIAL
    assert all(family("copy").build("none").modality == "grid" for _ in range(2))


def test_copy_answers_the_question_and_not_the_array_itself():
    question = grid([0, 1], [1, 0])
    [[answer]] = answers(Copy(), PAIRS, [question])
    assert np.array_equal(answer, question)
    assert not np.shares_memory(answer, question)


def test_blank_takes_the_shape_that_targets_share_else_the_questions():
    question = grid([1, 1, 1])
    assert answers(Blank(), PAIRS, [question])[0][0].tolist() == [[0, 0], [0, 0]]
    mixed = [*PAIRS, Example(grid([1]), grid([1]))]
    assert answers(Blank(), mixed, [question])[0][0].tolist() == [[0, 0, 0]]


def test_majority_is_by_cell_and_ties_go_to_the_lowest_code():
    assert answers(Majority(), PAIRS, [grid([1, 1], [1, 1])])[0][0].tolist() == [[1, 1], [0, 0]]
    assert answers(Majority(), PAIRS[:2], [grid([1, 1], [1, 1])])[0][0].tolist() == [[1, 0], [0, 0]]


def test_majority_of_differing_shapes_is_one_code_in_the_questions_shape():
    mixed = [Example(grid([0]), grid([1])), Example(grid([0, 0]), grid([1, 0]))]
    assert answers(Majority(), mixed, [grid([0, 0], [0, 0])])[0][0].tolist() == [[1, 1], [1, 1]]


def test_random_gives_the_tasks_own_guess_by_question_and_attempt():
    data = vb.load("sudoku/mini")
    questions = [i.question for i in data.test.head(3)]
    model = Random()
    model.adapt([Example(i.question, i.target) for i in data.train.head(3)], context("sudoku/mini"))
    guesses = [list(pair) for pair in model.predict(questions, 2, 0)]
    for question, (one, other) in zip(questions, guesses, strict=True):
        assert all(np.array_equal(grid[question != 0], question[question != 0]) for grid in (one, other))
        assert (one != 0).all()
        assert not np.array_equal(one, other)
    assert np.array_equal(guesses, list(map(list, model.predict(questions, 2, 0))))
    assert not np.array_equal(guesses, list(map(list, model.predict(questions, 2, 1))))


def test_random_draws_the_codes_of_the_targets_if_no_rule_is_known():
    big = [Example(np.zeros((50, 50), np.uint8), np.where(np.eye(50) > 0, 7, 3).astype(np.uint8))]
    questions = [np.zeros((50, 50), np.uint8)] * 2
    model = Random()
    model.adapt(big, Context(verifier_of("arc-json:nowhere.json"), None, 0, lambda progress: None))

    def answers(seed):
        return [list(pair) for pair in model.predict(questions, 2, seed)]

    guesses = answers(0)
    assert set(np.unique(guesses)) == {3, 7}
    assert 0.45 < np.mean(np.array(guesses) == 7) < 0.55  # 5,000 draws of each pair: six standard errors
    assert np.array_equal(guesses, answers(0))
    distinct = {cells.tobytes() for row in guesses for cells in row}
    assert len(distinct) == 4  # questions and attempts differ
    assert not np.array_equal(guesses, answers(1))


def test_nearest_takes_the_first_of_the_nearest_and_copies_unseen_shapes():
    assert answers(Nearest(), PAIRS, [grid([0, 0], [1, 1])])[0][0].tolist() == PAIRS[1].target.tolist()
    tie = grid([0, 1], [1, 1])  # one cell from the second and one from the third
    assert answers(Nearest(), PAIRS, [tie])[0][0].tolist() == PAIRS[1].target.tolist()
    assert answers(Nearest(), PAIRS, [grid([0, 1, 1])])[0][0].tolist() == [[0, 1, 1]]


def test_adapting_starts_anew():
    model = Nearest()
    model.adapt(PAIRS, context())
    assert answers(model, PAIRS[:1], [PAIRS[2].question])[0][0].tolist() == PAIRS[0].target.tolist()


def test_solver_is_right_on_every_question():
    data = vb.load("life/conway")
    model = Solver()
    model.adapt([Example(i.question, i.target) for i in data.train.head(3)], context())
    test = data.test.head(20)
    for instance, [answer] in zip(test, model.predict([i.question for i in test], 1, 0), strict=True):
        assert vb.verify(instance, answer).exact


def test_solver_reports_if_no_rule_is_known():
    verifier = verifier_of("arc-json:nowhere.json")
    context = Context(verifier, None, 0, lambda progress: None)
    with pytest.raises(UserError, match="no solver"):
        Solver().adapt(PAIRS, context)


def test_no_checkpoints_are_refused():
    with pytest.raises(UserError, match="has no checkpoint 'tiny'"):
        family("copy").build("tiny")


@pytest.mark.parametrize("kind", [Majority, Nearest])
def test_baselines_that_answer_from_examples_refuse_none(kind):
    with pytest.raises(
        UserError, match=f"baseline {kind.__name__.lower()} needs examples: give at least one"
    ):
        kind().adapt([], context())


def test_the_other_baselines_answer_without_examples():
    data = vb.load("life/conway")
    untaught = Context(data.verifier, data.params, 0, lambda progress: None)
    instance = data.test[0]
    given = {}
    for kind in (Copy, Blank, Random, Solver):
        model = kind()
        model.adapt([], untaught)
        ((given[kind],),) = model.predict([instance.question], 1, 0)
    assert np.array_equal(given[Copy], instance.question)
    assert not given[Blank].any()
    assert given[Random].shape == instance.question.shape
    assert vb.verify(instance, given[Solver]).exact


def test_a_guess_without_a_rule_and_without_examples_draws_from_all_codes():
    verifier = verifier_of("arc-json:nowhere.json")
    model = Random()
    model.adapt([], Context(verifier, None, 0, lambda progress: None))
    ((answer,),) = model.predict([np.zeros((20, 20), np.uint8)], 1, 0)
    assert set(np.unique(answer)) == set(range(10))
