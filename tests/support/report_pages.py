"""Handle a report's page as a user of a browser does.

The fixtures `browser` and `visit` are in conftest.py.
"""

from __future__ import annotations

from vizbench.harness.report.report import render_report


def written(trials, folder):
    path = folder / "report.html"
    path.write_text(render_report(trials), encoding="utf-8", errors="replace")
    return path


def page_of(page):
    return page.url.removeprefix("file://").partition("#")[0]


def settled(page, act):
    """Do something that makes the viewer draw, and wait until it has."""
    before = page.get_attribute("#viewer", "data-shown")
    act()
    page.wait_for_function("before => document.querySelector('#viewer').dataset.shown !== before", arg=before)


def press(page, *keys):
    for key in keys:
        settled(page, lambda key=key: page.keyboard.press(key))


def place(page):
    return page.inner_text("#place").partition(" · ")[0]


def unfolded(page, name):
    """Open a folded table and wait until it is written, which is a moment after the click."""
    table = page.locator(f"details[data-table='{name}-rows']")
    table.locator("summary").click()
    table.locator("tbody tr").first.wait_for()
    return table


def column(page, title):
    """Return what the visible rows of the results say under a heading."""
    heads = page.locator("#results-table thead th").all_inner_texts()
    at = [head.strip() for head in heads].index(title) + 1
    return page.locator(f"#results-table tbody td:nth-child({at})").all_inner_texts()
