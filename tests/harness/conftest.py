"""Provide the system's Chromium for the tests of the report's page. Playwright downloads none."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.report_pages import page_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 120_000
"""Milliseconds until a step counts as failed: these are no timed tests."""


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium")  # it needs root: .ci/run installs it, pip cannot
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses its sandbox to root
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=PATIENCE)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser):
    """Open a file and return the page. Fails if the page asks for anything else or has an error."""
    opened, asked, said = [], [], []

    def go(path, fragment="", **how):
        page = browser.new_page(**how)
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(f"file://{path}{fragment}")
        page.wait_for_selector("#viewer[data-shown]", state="attached")
        opened.append(page)
        return page

    yield go
    for page in opened:
        page.close()
    assert said == []
    assert {url.partition("#")[0] for url in asked} <= {f"file://{page_of(one)}" for one in opened}
