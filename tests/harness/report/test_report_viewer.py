"""Test in a real browser that the viewer shows the trial that was asked for, and that the page fits."""

from __future__ import annotations

import re

import pytest

from tests.support.made_results import answered
from tests.support.report_pages import column, place, settled, unfolded, written
from tests.support.stubs import FILE
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs
from vizbench.harness.run.run import run


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    """Two seeds with one answer each; in another run one seed with three, and a second model on seed 1."""
    out = tmp_path_factory.mktemp("runs")
    batcher, trainer = f"{FILE}:Batcher", f"{FILE}:Trainer"
    for name, models, seeds, attempts in (
        ("one", (batcher,), (0, 1), 1), ("three", (batcher,), (0,), 3), ("other", (trainer,), (1,), 1),
    ):  # fmt: skip
        run(
            Plan(models=models, tasks=("life/conway",), shots=(3,), seeds=seeds, n_test=4, attempts=attempts),
            out / name,
        )
    return read_runs([out])


@pytest.fixture(scope="module")
def file(trials, tmp_path_factory):
    return written(trials, tmp_path_factory.mktemp("page"))


def shown(page):
    """Return task, model and number of answers that the viewer shows."""
    task, model = (page.locator(f"#{name} option:checked").inner_text() for name in ("set", "model"))
    return task, model, page.locator("#boards .answer").count()


def row(page, model, attempts):
    rows = page.locator("#results-table tbody tr", has_text=model)
    return rows.filter(has=page.locator('td[data-key="attempts"]', has_text=re.compile(f"^{attempts}$")))


def test_rows_of_one_and_three_attempts_lead_each_to_its_answers(visit, file):
    page = visit(file)
    for attempts in (3, 1):
        settled(page, row(page, "Batcher", attempts).locator(".see").click)
        assert shown(page) == ("life/conway, seed 0", "stubs.py:Batcher", attempts)
    assert set(column(page, "attempts")) == {"1", "3"}


def test_a_row_of_another_seed_opens_that_seed(visit, file):
    page = visit(file)
    settled(page, row(page, "Trainer", 1).locator(".see").click)
    assert shown(page) == ("life/conway, seed 1", "stubs.py:Trainer", 1)
    see = row(page, "Batcher", 1).locator(".see")
    assert see.get_attribute("title") == "Opens seed 0; the row counts seeds 0, 1"


def test_the_select_of_attempts_is_there_where_there_is_a_choice(visit, file):
    page = visit(file, "#model=" + page_model("Trainer"))
    assert not page.is_visible("#attempts")
    settled(page, lambda: page.select_option("#set", label="life/conway, seed 0"))
    settled(page, lambda: page.select_option("#model", label="stubs.py:Batcher"))
    assert page.is_visible("#attempts")
    settled(page, lambda: page.select_option("#attempts", "3"))
    assert shown(page)[2] == 3
    settled(page, page.reload)  # the address holds it
    assert shown(page)[2] == 3
    settled(page, lambda: page.select_option("#set", label="life/conway, seed 1"))
    assert shown(page) == ("life/conway, seed 1", "stubs.py:Batcher", 1)


def page_model(name):
    return f"{FILE}:{name}@default".replace("/", "%2F")


def test_a_link_to_a_trial_that_is_not_there_says_so(visit, file):
    page = visit(file, "#task=life/conway&seed=0&model=" + page_model("Trainer"))  # it was asked only seed 1
    assert page.is_visible("#unknown-trial")
    settled(page, lambda: page.select_option("#set", label="life/conway, seed 1"))
    assert not page.is_visible("#unknown-trial")
    assert not visit(file, "#task=life/conway&seed=1&i=2").is_visible("#unknown-trial")
    assert not visit(file).is_visible("#unknown-trial")


def test_a_point_leads_to_the_answers_of_its_row(visit, file):
    page = visit(file)
    points = page.locator("#curves svg a", has=page.locator("title", has_text="stubs.py:Batcher, 3 shots"))
    assert points.count() == 2
    counts = set()
    for k in range(2):
        settled(page, lambda k=k: points.nth(k).dispatch_event("click"))
        counts.add(shown(page)[2])
    assert counts == {1, 3}


@pytest.mark.parametrize(("width", "cards"), [(390, True), (1280, False), (1400, False)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_in_the_window_or_a_cue_says_where(visit, file, width, cards, scheme):
    page = visit(file, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    hidden, covered = page.evaluate("""() => {
      const box = document.querySelector('#results-table .scroll'), right = box.getBoundingClientRect().right;
      const edge = one => one.getBoundingClientRect().right;
      const beyond = [...box.querySelectorAll('th, td')].filter(one => edge(one) > right + 1);
      const covered = [...box.querySelectorAll('th')].filter(one => {
        const at = one.getBoundingClientRect();
        if (!at.width || at.right > right) return false;
        one.scrollIntoView({block: 'center'});
        const now = one.getBoundingClientRect();
        return !one.contains(document.elementFromPoint(now.right - 3, (now.top + now.bottom) / 2));
      });
      return [beyond.length, covered.length];
    }""")
    assert covered == 0  # no head is under a neighbour
    assert (hidden > 0) == page.is_visible("#results-table .sideways")
    if cards:
        assert hidden == 0
        assert page.evaluate("getComputedStyle(document.querySelector('tbody tr')).display") == "grid"


def test_the_shade_goes_where_the_table_ends(visit, file):
    page = visit(file, viewport={"width": 700, "height": 800})
    frame = page.locator("#results-table .frame")
    assert frame.get_attribute("class") == "frame wide"
    page.evaluate("document.querySelector('#results-table .scroll').scrollLeft = 1e5")
    page.wait_for_function(
        "() => document.querySelector('#results-table .frame').classList.contains('at-end')"
    )


def test_a_single_curve_is_large(visit, tmp_path):
    one = written([answered([True, False], task="t/x", shots=n) for n in (3, 30)], tmp_path)
    page = visit(one, viewport={"width": 1280, "height": 800})
    assert page.locator("#curves figure").bounding_box()["width"] >= 500


def test_signs_are_explained_on_hover_and_in_text(visit, tmp_path):
    two = [
        answered([k < n for k in range(10)], m, s)
        for m, s, n in (("a", 3, 10), ("a", 30, 10), ("b", 3, 0), ("b", 30, 0), ("c", 3, 0), ("c", 30, 0))
    ]
    page = visit(written(two, tmp_path))
    ratios = unfolded(page, "ratio")
    assert ratios.locator('td[data-key="at"]').first.get_attribute("title")
    open_ends = ratios.locator('td[data-key="interval"]', has_text=re.compile("^any$"))
    assert open_ends.first.get_attribute("title") == "any: both ends are open"
    needed = unfolded(page, "shots-needed")
    titles = {
        one.inner_text(): one.get_attribute("title") for one in needed.locator('td[data-key="at"]').all()
    }
    assert titles["≤ 3"].startswith("≤: at most that")
    assert titles["> 30"].startswith(">: more than that")
    text = page.inner_text("#shots-needed")
    for part in ("≤ 3 at most that", "> 300 more than that", "any both ends are open", "– there is none"):
        assert part in text
    assert place(page) == "1 of 10"
