"""The report: whole from the run directory alone, escaped, without a network, and used in a real browser."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import msgspec
import numpy as np
import pytest

import vizbench as vb
from vizbench.errors import UserError
from vizbench.harness import figure, report
from vizbench.harness.metrics import summaries
from vizbench.harness.plan import Plan
from vizbench.harness.records import read_runs
from vizbench.harness.report import render_report, write_report
from vizbench.harness.run import run

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>&\"'"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    wanted = Plan(tasks=("life/conway", "sudoku/mini"), shots=(3, 16), n_test=6, attempts=2)
    run(wanted, out, kin=lambda task: "near: others" if task.startswith("life/") else "far: none")
    return out


def test_it_is_written_whole_and_fetches_nothing(runs, tmp_path):
    path = tmp_path / "r.html"
    write_report([runs], path)
    text = path.read_text()
    assert text.rstrip().endswith("</html>")
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", text.partition('<script id="data"')[0])
    assert [name.name for name in tmp_path.iterdir()] == ["r.html"]


def test_every_row_of_the_table_and_every_grid_is_in_it(runs):
    cells = read_runs([runs])
    text = render_report(cells)
    for row in summaries(cells):
        assert f'title="{row.task}"' in text
        assert f"{100 * row.exact_low:.1f}–{100 * row.exact_high:.1f}" in text
    payload = json.loads(
        html.unescape(re.findall(r'<script id="data" type="application/json">(.*?)</script>', text)[0])
    )
    instance = vb.load("life/conway").test[2]
    [life] = [one for one in payload["sets"] if one["task"] == "life/conway"]
    width, cells_in_hex = life["questions"][2][2]
    assert np.array_equal(np.frombuffer(bytes.fromhex(cells_in_hex), np.uint8).reshape(-1, width), instance.target)
    assert life["colours"] == ["#ffffff", "#000000"]
    assert "The viewer holds" not in text


def test_the_viewer_holds_fewer_and_says_so(runs, monkeypatch):
    monkeypatch.setattr(report, "MAX_QUESTIONS", 4)
    text = render_report(read_runs([runs]))
    assert "The viewer holds the first 4 of 6 questions a cell" in text


def test_an_unfinished_cell_is_told(runs):
    cells = read_runs([runs])
    cut = [changed(cells[0], records=cells[0].records[:3], error=EVIL), *cells[1:]]
    text = render_report(cut)
    assert "3 of 12 answers" in text
    assert html.escape("onerror=alert(1)>") in text
    assert "3 of 12 answers" not in render_report(cells)
    empty = render_report([changed(cells[0], records=[])])
    assert "0 of 12 answers" in empty


def changed(cell, **changes):
    return replace(cell, **changes)


def hostile(cell):
    header = cell.header
    evil = msgspec.structs.replace(header.cell, task=EVIL, model="x/" + EVIL, checkpoint=EVIL)
    rows = [msgspec.structs.replace(row, id=EVIL + row.id) for row in cell.questions]
    records = [msgspec.structs.replace(r, id=EVIL + r.id, reason=EVIL, valid=False, exact=False) for r in cell.records]
    header = msgspec.structs.replace(header, cell=evil, kin=EVIL + ":", environment={EVIL: EVIL})
    return changed(cell, header=header, questions=rows, records=records, error=EVIL)


def test_hostile_names_and_reasons_stay_text(runs):
    cells = read_runs([runs])
    text = render_report([hostile(cells[0]), *cells])
    assert EVIL not in text
    assert "<img" not in text
    assert text.count("<script") == 2


def test_where_it_cannot_be_written_is_said(runs, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a folder: name a file"):
        write_report([runs], tmp_path)
    with pytest.raises(UserError, match="a part of that path is a file"):
        write_report([runs], tmp_path / "file" / "r.html")
    with pytest.raises(UserError, match="holds no run"):
        write_report([tmp_path / "nowhere"], tmp_path / "r.html")


def test_the_figure_marks_shares_where_they_belong(runs):
    rows = summaries(read_runs([runs]))
    life, sudoku = figure.panels(rows)
    assert (life.task, sudoku.task) == ("life/conway", "sudoku/mini")
    solver = next(line for line in life.lines if line.name == "solver")
    copy = next(line for line in life.lines if line.name == "copy")
    ticks = {label: y for y, label in life.y_ticks}
    assert [point.y for point in solver.points] == [ticks["100%"]] * 2
    assert [point.y for point in copy.points] == [ticks["0%"]] * 2
    assert copy.points[0].high < copy.points[0].y == copy.points[0].low  # upwards is less
    assert copy.points[0].x < copy.points[1].x
    assert figure.FLOOR not in figure.legend(rows)


def test_the_floor_is_the_best_baseline_and_never_the_solver(runs):
    rows = summaries(read_runs([runs]))
    rows = [replace(row, exact=0.3) if row.model == "nearest" else row for row in rows]
    rows.append(replace(rows[0], model="mine", checkpoint="tiny"))
    assert figure.legend(rows) == ["mine · tiny", figure.FLOOR]
    floor = next(line for line in figure.panels(rows)[0].lines if line.name == figure.FLOOR)
    assert "(nearest)" in floor.points[0].label
    assert "30.0% exact" in floor.points[0].label


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")


def browse(path, profile, script, fragment=""):
    """Open the file, run a script in it and give back what the script put together."""
    page = path.with_name("driven.html")
    driver = f"<script>try {{ const out = (() => {{ {script} }})(); document.title = JSON.stringify(out); }}"
    driver += " catch (error) { document.title = JSON.stringify(String(error)); }</script>"
    page.write_text(path.read_text().replace("</body>", driver + "</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    flags += ["--disable-dev-shm-usage", f"--user-data-dir={profile}", "--virtual-time-budget=2000", "--dump-dom"]
    address = f"file://{page}{fragment}"
    assert CHROMIUM is not None
    done = subprocess.run([CHROMIUM, *flags, address], capture_output=True, text=True, timeout=120, check=True)
    return json.loads(html.unescape(re.findall(r"<title>(.*?)</title>", done.stdout)[0])), done.stdout


@pytest.fixture(scope="module")
def page(runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "r.html"
    write_report([runs], path)
    return path


@needs_chromium
def test_the_viewer_follows_the_address_the_keys_and_the_selects(page, tmp_path):
    script = """
      const place = () => $("place").textContent;
      const key = name => dispatchEvent(new KeyboardEvent("keydown", {key: name}));
      const told = [place()];
      key("ArrowRight"); told.push(place());
      key("ArrowLeft"); key("ArrowLeft"); told.push(place());
      for (let k = 0; k < 20; k++) key("ArrowRight");
      told.push(place());
      $("model").value = "solver@none"; $("model").dispatchEvent(new Event("change"));
      const tags = [...document.querySelectorAll(".tag")].map(tag => tag.textContent);
      $("set").value = "0"; $("set").dispatchEvent(new Event("change"));
      return {told, tags, task: data.sets[data.runs[state.run].set].task, model: $("model").value,
              shots: $("shots").value, canvases: document.querySelectorAll("canvas").length, hash: location.hash};
    """
    wish = "#task=sudoku/mini&model=copy@none&shots=16&i=3"
    out, _ = browse(page, tmp_path / "profile", script, wish)
    assert [told.partition(" · ")[0] for told in out["told"]] == ["3 of 6", "4 of 6", "2 of 6", "6 of 6"]
    assert out["told"][0].endswith("sudoku/mini#0-test-2")
    assert out["tags"] == ["exact", "exact"]  # two attempts
    assert (out["task"], out["model"], out["shots"], out["canvases"]) == ("life/conway", "solver@none", "16", 4)
    assert "i=6" in out["hash"]


@needs_chromium
def test_wrong_cells_are_outlined_with_the_reason(page, runs, tmp_path):
    script = """
      const pen = document.querySelectorAll("canvas")[2].getContext("2d");
      const pink = getComputedStyle(document.documentElement).getPropertyValue("--outline").slice(1);
      const wanted = [0, 2, 4].map(k => parseInt(pink.slice(k, k + 2), 16));
      const run = data.runs[state.run], [width, hex] = run.answers[0][0][3];
      const goal = data.sets[run.set].questions[0][2][1];
      const side = pen.canvas.width / width, outlined = [], differ = [];
      for (let k = 0; k < hex.length / 2; k++) {
        const x = k % width * side + Math.floor(side / 2), y = Math.floor(k / width) * side + 3;
        const rgb = pen.getImageData(x, y, 1, 1).data;
        outlined.push(wanted.every((level, c) => Math.abs(rgb[c] - level) < 40));
        differ.push(hex.slice(2 * k, 2 * k + 2) !== goal.slice(2 * k, 2 * k + 2));
      }
      return {outlined, differ, reason: document.querySelector(".reason").textContent};
    """
    out, _ = browse(page, tmp_path / "profile", script, "#task=sudoku/mini&model=copy@none&shots=3")
    assert out["outlined"] == out["differ"]
    assert 0 < sum(out["differ"]) < len(out["differ"])
    cells = [cell for cell in read_runs([runs]) if cell.directory.name.startswith("sudoku-mini__copy__none__n3")]
    assert out["reason"] == cells[0].records[0].reason


@needs_chromium
def test_the_table_sorts_and_filters_and_the_theme_turns(page, tmp_path):
    script = """
      const column = n => [...body.rows].filter(row => !row.hidden).map(row => row.cells[n].textContent);
      const heads = document.querySelectorAll("thead button"), before = getComputedStyle(document.body).backgroundColor;
      heads[4].click(); const falling = column(4);
      heads[4].click(); const rising = column(4);
      heads[2].click(); const names = column(2);
      $("filter").value = "Life nea"; $("filter").dispatchEvent(new Event("input")); const left = column(2);
      $("theme").click();
      return {falling, rising, names, left, turned: getComputedStyle(document.body).backgroundColor !== before};
    """
    out, _ = browse(page, tmp_path / "profile", script)
    falling = [float(cell.rstrip("%")) for cell in out["falling"]]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] == 100.0
    assert [float(cell.rstrip("%")) for cell in out["rising"]] == sorted(falling)
    assert out["names"] == sorted(out["names"])
    assert len(out["left"]) == 12  # kin is near on every life row: "nea" finds all six baselines at two budgets
    assert out["turned"]


@needs_chromium
def test_hostile_text_does_nothing_in_a_browser(runs, tmp_path):
    cells = read_runs([runs])
    path = tmp_path / "evil.html"
    path.write_text(render_report([hostile(cells[0])]))
    script = """
      return {images: document.images.length, scripts: document.scripts.length, title: document.title,
              told: $("place").textContent, reason: document.querySelector(".reason").textContent};
    """
    out, _ = browse(path, tmp_path / "profile", script)
    assert (out["images"], out["scripts"], out["title"]) == (0, 3, "vizbench report")  # the third drives this test
    assert EVIL in out["told"]
    assert out["reason"] == EVIL
