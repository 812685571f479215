"""Test the report in a real browser: filters, sorting, keys, both themes, and a phone's width.

Playwright drives the system's Chromium and downloads none. Its events are a user's: keys and clicks that the
browser itself delivers.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

import vizbench as vb
from tests.harness.report.test_report import EVIL, hostile
from tests.support.made_results import answered
from tests.support.report_pages import column, place, press, settled, unfolded, written
from tests.support.stubs import FILE
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import TrialResult, read_runs
from vizbench.harness.run.run import run


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    tasks = ("life/conway", "sudoku/mini", "langton/3")
    plan = Plan(models=(f"{FILE}:Batcher",), tasks=tasks, shots=(3, 16), n_test=6, attempts=2)
    run(
        plan,
        out,
        pretraining_overlap=lambda task: "near: others" if task.startswith("life/") else "far: none",
    )
    return read_runs([out])


@pytest.fixture(scope="module")
def file(trials, tmp_path_factory):
    return written(trials, tmp_path_factory.mktemp("page"))


def test_keys_step_through_questions_and_attempts(visit, file):
    page = visit(file, "#task=sudoku/mini&model=copy@none&shots=16&i=3")
    assert place(page) == "3 of 6"
    assert page.inner_text("#place").endswith("sudoku/mini#0-test-2")
    press(page, "ArrowRight")
    assert place(page) == "4 of 6"
    press(page, "ArrowLeft", "ArrowLeft")
    assert place(page) == "2 of 6"
    press(page, *["ArrowRight"] * 4)
    page.keyboard.press("ArrowRight")  # there is no seventh
    page.keyboard.press("]")
    assert page.inner_text("#attempt").startswith("answer 2 of 2: ")
    assert place(page) == "6 of 6"
    page.keyboard.press("]")
    assert page.locator("#boards .answer").nth(1).get_attribute("aria-current") == "true"
    page.keyboard.press("[")
    assert page.inner_text("#attempt").startswith("answer 1 of 2: ")
    assert "i=6" in page.url
    settled(page, page.reload)  # the address leads back
    assert place(page) == "6 of 6"


def test_selects_lead_to_every_trial_and_back_and_next_are_buttons(visit, file):
    page = visit(file)
    settled(page, lambda: page.select_option("#set", label="langton/3"))
    settled(page, lambda: page.select_option("#model", label="solver"))
    settled(page, lambda: page.select_option("#shots", "16"))
    assert page.locator("#boards .tag").all_inner_texts() == ["exact", "exact"]
    settled(page, lambda: page.click("#next"))
    assert place(page) == "2 of 6"
    settled(page, lambda: page.click("#strip button >> nth=4"))
    assert place(page) == "5 of 6"
    assert "task=langton" in page.url
    assert "shots=16" in page.url


def test_only_questions_of_a_verdict_are_stepped_through(visit, trials, tmp_path):
    life = [trial for trial in trials if trial.header.trial.task == "life/conway"]
    mine = next(trial for trial in life if trial.header.trial.model.endswith("Batcher"))
    ids = [question.id for question in mine.questions]
    right = {(ids[1], 0), (ids[4], 0), (ids[4], 1)}
    records = [
        msgspec.structs.replace(r, exact=True, valid=True) if (r.id, r.attempt) in right else r
        for r in mine.records
    ]
    page = visit(written([replace(mine, records=records)], tmp_path))
    settled(page, lambda: page.select_option("#only-verdict", "exact"))
    assert place(page) == "2 of 6"
    assert page.inner_text("#passing") == "2 of 6 questions"
    page.focus("#viewer")
    press(page, "ArrowRight")
    assert place(page) == "5 of 6"
    assert page.locator("#strip button:visible").count() == 2
    settled(page, lambda: page.select_option("#only-verdict", "split"))
    assert place(page) == "2 of 6"  # of the fifth, both answers are exact


def test_a_trajectory_plays_and_its_states_are_the_tasks(visit, file):
    page = visit(file, "#task=langton/3&i=2")
    steps = vb.load("langton/3").test[1].steps
    states = page.evaluate(
        "async () => unroll((await unpack(data.sets[now().set].blob)).trajectories[state.i])"
    )
    assert states[1:] == [step.ravel().tolist() for step in steps]
    slider = page.locator("#boards .film input")
    assert slider.input_value() == "3"
    picture = "document.querySelector('#boards .film').previousSibling.toDataURL()"
    last = page.evaluate(picture)
    slider.focus()
    page.keyboard.press("ArrowLeft")  # the slider takes the key: the viewer does not move
    assert slider.input_value() == "2"
    assert place(page) == "2 of 6"
    assert page.evaluate(picture) != last
    page.focus("#viewer")
    page.keyboard.press("p")
    page.wait_for_function("() => document.querySelector('#boards .film input').value === '3'")
    assert page.evaluate(picture) == last


def test_a_game_shows_the_answer_and_plays_on(visit, tmp_path):
    run(Plan(models=("copy",), tasks=("connect4/win-in-2",), shots=(3,), n_test=2), tmp_path / "runs")
    page = visit(written(read_runs([tmp_path / "runs"]), tmp_path))
    row = vb.load("connect4/win-in-2").test[0]
    assert page.inner_text("#boards .board:nth-child(2) h3").lower() == "target, and how it continues"
    assert page.locator("#boards .film input").input_value() == "1"
    states = page.evaluate(
        "async () => unroll((await unpack(data.sets[now().set].blob)).trajectories[state.i])"
    )
    assert states == [state.ravel().tolist() for state in (row.question, *row.steps)]
    assert len(states) == 4
    picture = "document.querySelector('#boards .film').previousSibling.toDataURL()"
    answer = page.evaluate(picture)
    page.focus("#viewer")
    page.keyboard.press("p")
    page.wait_for_function("() => document.querySelector('#boards .film input').value === '3'")
    assert page.evaluate(picture) != answer


def test_wrong_cells_are_outlined_and_right_ones_are_not(visit, trials, file):
    page = visit(file, "#task=sudoku/mini&model=copy@none&shots=3")
    outlines = page.evaluate("""async () => {
      const set = data.sets[now().set], asked = await unpack(set.blob), given = await unpack(now().blob);
      const goal = codes(asked.targets[0][1]), [width, text] = given[0][0][3], mine = codes(text);
      const canvas = document.querySelector("#boards .answer canvas"), pen = canvas.getContext("2d");
      const pink = getComputedStyle(root).getPropertyValue("--outline").slice(1);
      const rgb = [0, 2, 4].map(k => parseInt(pink.slice(k, k + 2), 16)), side = canvas.width / width;
      const outlined = mine.map((_, k) => {
        const x = k % width * side + side / 2, y = Math.floor(k / width) * side + 3;
        const seen = pen.getImageData(x, y, 1, 1).data;
        return rgb.every((level, c) => Math.abs(seen[c] - level) < 40);
      });
      return {outlined, differ: mine.map((code, k) => code !== goal[k]), label: canvas.ariaLabel};
    }""")
    assert outlines["outlined"] == outlines["differ"]
    assert 0 < sum(outlines["differ"]) < len(outlines["differ"])
    assert outlines["label"] == f"Answer 1, 4 by 4, {sum(outlines['differ'])} cells differ"
    one = next(c for c in trials if (c.header.trial.task, c.header.trial.model) == ("sudoku/mini", "copy"))
    assert page.locator(".reason").first.inner_text() == one.records[0].reason


def test_the_table_sorts_filters_and_leads_to_the_answers(visit, file):
    page = visit(file)
    assert page.inner_text("#rows-left") == "42 of 42 rows"
    page.click("#results-table thead button >> text=exact >> nth=0")
    shares = [float(cell.rstrip("%")) for cell in column(page, "exact")]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 100.0
    page.click("#results-table thead button >> text=exact >> nth=0")
    assert [float(cell.rstrip("%")) for cell in column(page, "exact")] == sorted(shares)
    assert page.get_attribute("#results-table thead th[aria-sort]", "aria-sort") == "ascending"
    page.click("#results-table thead button >> text=shots")
    assert column(page, "shots") == ["16"] * 21 + ["3"] * 21  # as numbers: 3 is less than 16
    page.keyboard.press("/")
    page.keyboard.type("Life nea")
    assert page.inner_text("#rows-left") == "14 of 42 rows"
    page.fill("#filter", "conway p[")  # letters that are keys of the viewer too
    assert place(page) == "1 of 6"
    page.fill("#filter", "life")
    page.uncheck("#trivial")
    assert column(page, "model") == ["stubs.py:Batcher"] * 2
    page.select_option("#only-shots", "3")
    assert page.inner_text("#rows-left") == "1 of 42 rows"
    settled(page, lambda: page.click(".see"))
    assert "stubs.py%3ABatcher" in page.url
    assert "shots=3" in page.url
    page.check("#trivial")
    page.select_option("#only-shots", "")
    page.select_option("#only-model", "solver")
    assert column(page, "valid") == ["100.0%"] * 2


def test_a_long_table_is_written_as_it_is_read(visit, tmp_path):
    many = [answered([True, None, False], task=f"arc-json:t/{k}.json", shots=None) for k in range(200)]
    page = visit(written(many, tmp_path))
    rows = page.locator("#results-table tbody tr")
    assert rows.count() == 60
    page.click("#results-table .more")
    assert rows.count() == 120
    page.evaluate(
        "() => { const box = document.querySelector('#results-table .scroll'); box.scrollTop = 1e6; }"
    )
    page.wait_for_function("() => document.querySelectorAll('#results-table tbody tr').length > 120")
    page.fill("#filter", "t/19")
    assert column(page, "task") == ["arc-json: t/19", *(f"arc-json: t/{k}" for k in range(190, 200))]


def test_tables_behind_the_figures_open_and_sort(visit, tmp_path):
    curve = {10: 2, 100: 9}
    mine: list[TrialResult] = []
    for shots, right in curve.items():
        answers = [k < right for k in range(10)]
        mine += [answered(answers, task=f"t/{t}", shots=shots) for t in range(3)]
    page = visit(written(mine, tmp_path))
    table = unfolded(page, "shots-needed")
    assert table.locator("tbody tr").count() == 3
    assert table.locator("tbody td").first.inner_text() == "t/0"
    table.locator("thead button").first.click()
    table.locator("thead button").first.click()
    assert table.locator("tbody td").first.inner_text() == "t/2"


def test_a_folded_table_filters_and_leaves_out_its_baselines(visit, tmp_path):
    shares = {
        "mine": {10: 2, 100: 9},
        "other": {10: 3, 100: 5},
        "copy": {10: 0, 100: 0},
        "solver": {10: 10, 100: 10},
    }
    runs: list[TrialResult] = []
    for model, curve in shares.items():
        for shots, right in curve.items():
            runs.append(answered([k < right for k in range(10)], model, shots))
    page = visit(written(runs, tmp_path))
    table = unfolded(page, "difference")
    rows, words = table.locator("tbody tr"), table.locator("input[type=search]")
    assert rows.count() == 2 + 2 * 2 * 2
    assert table.locator("tr.trivial").count() == 8
    assert "trivial" not in (rows.nth(1).get_attribute("class") or "")
    words.fill("other SOLV")
    assert table.locator(".controls span").inner_text() == "2 of 10 rows"
    assert {row.split()[-4] for row in rows.all_inner_texts()} == {"-70.0", "-50.0"}
    table.locator("input[type=checkbox]").uncheck()
    assert rows.count() == 0
    words.fill("")
    assert rows.count() == 2
    needed = unfolded(page, "shots-needed")
    assert needed.locator("tr.trivial").all_inner_texts()[0].split("\t")[1:5] == [
        "copy",
        "1",
        "–",
        "not reached",
    ]
    assert page.locator("details[data-table='ratio-rows'] .controls .switch").is_hidden()


def test_the_theme_follows_the_system_and_turns(visit, file):
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = visit(file, color_scheme="light"), visit(file, color_scheme="dark")
    before = light.evaluate(ground), dark.evaluate(ground)
    assert before[0] != before[1]
    line = """getComputedStyle(document.querySelector('#curves svg [style*="fill: var(--c0)"]')).fill"""
    assert light.evaluate(line) != dark.evaluate(line)
    assert dark.inner_text("#theme") == "Light"
    settled(dark, lambda: dark.click("#theme"))
    assert dark.evaluate(ground) == before[0]
    assert dark.inner_text("#theme") == "Dark"


def test_the_papers_curves_are_shown_and_hidden(visit, file):
    page = visit(file)
    shown = page.locator("#curves svg .paper:visible")
    assert shown.count() > 0
    page.locator(".paper-switch").first.uncheck()
    assert shown.count() == 0
    assert page.locator(".legend .paper:visible").count() == 0
    page.locator(".paper-switch").first.check()
    assert shown.count() > 0


def test_a_point_of_a_curve_leads_to_its_answers(visit, file):
    page = visit(file)
    point = page.locator(
        "#curves svg a", has=page.locator("title", has_text="stubs.py:Batcher, 16 shots")
    ).first
    settled(page, point.click)
    assert "shots=16" in page.url
    assert page.input_value("#model") == "stubs.py:Batcher"


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(visit, file, width):
    page = visit(file, viewport={"width": width, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    narrow = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.step button')].map(b => b.offsetHeight))"
    )
    assert narrow >= 36  # a finger's breadth


def test_hostile_text_does_nothing_in_a_browser(visit, trials, tmp_path):
    page = visit(written([hostile(trials[0]), hostile(trials[1])], tmp_path))
    assert page.title() == "vizbench report"
    assert page.evaluate("document.images.length") == 0
    assert EVIL in page.inner_text("#place")
    assert page.locator(".reason").first.inner_text() == EVIL
    assert page.locator("#results-table tbody td.name").first.get_attribute("title") == EVIL
    page.fill("#filter", "<img")
    assert page.locator("#results-table tbody tr").count() == 1 + (
        trials[0].header.data != trials[1].header.data
    )


def test_an_answer_without_a_grid_and_a_question_without_an_answer_are_shown(visit, trials, tmp_path):
    one = trials[0]
    first = msgspec.structs.replace(
        one.records[0], answer=None, undecodable=True, exact=False, valid=False, reason="none"
    )
    page = visit(written([replace(one, records=[first])], tmp_path))
    assert page.inner_text("#boards .answer .blank") == "no grid"
    assert page.inner_text("#boards .tag") == "undecodable"
    press(page, "ArrowRight")
    assert page.inner_text("#boards .blank") == "not answered"
