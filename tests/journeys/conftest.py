"""A real site, worker and browser, one of each for a test process; every journey picks regulations of its own."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.demonstration import ROOT, demonstration, environment, made_demonstration
from tests.outside import CHROMIUM, need

__all__ = ["demonstration", "made_demonstration"]

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
PATIENCE_SECONDS = 30
AXE = Axe()
SAID_TWICE = """() => {
    const seen = new Set();
    return [...document.querySelectorAll('[id]')].map(each => each.id).filter(id => seen.has(id) || !seen.add(id));
}"""
HANGS_ON_SIZE_OR_SCHEME = """async () => {
    const rules = ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'region'];
    const found = await axe.run({ runOnly: rules, resultTypes: ['violations'] });
    return found.violations.map(each => each.id + ': ' + each.nodes.map(node => node.target.join(' ')).join(', '));
}"""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def site(demonstration: Path) -> Iterator[str]:
    """The address of a running demonstration, web and worker."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    env = environment(demonstration, SITE_URL=url)
    web = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4", "app:create_app()"]
    worker = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    log = (demonstration / "journeys.log").open("w")
    running = [subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log) for command in (web, worker)]
    try:
        eventually(lambda: urllib.request.urlopen(f"{url}/healthz").status == 200)
        yield url
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)
        log.close()


def eventually(holds: Callable[[], bool]) -> None:
    """Ask again until it holds, for what another process does in its own time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if holds():
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise AssertionError("It did not come about in time.")
        time.sleep(0.1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(need(CHROMIUM)), args=FLAGS)
        yield chromium
        chromium.close()


Visitor = Callable[..., "Visit"]
Named = str | re.Pattern[str]


class Visit:
    """One person's browser. Every page they see is checked: title, one h1, ids that are each given once, no sideways
    scroll, axe, a quiet console."""

    def __init__(self, context: BrowserContext, site: str, width: int) -> None:
        self.page: Page = context.new_page()
        self.site, self.width = site, width
        self.complaints: list[str] = []
        self.scripts = True
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "status of 4" not in text:
            self.complaints.append(text)

    def open(self, path: str) -> Page:
        self.page.goto(path if path.startswith("http") else self.site + path)
        self.look()
        return self.page

    def press(self, name: Named) -> None:
        self.page.get_by_role("button", name=name).first.click()
        self.page.wait_for_load_state()
        self.look()

    def follow(self, name: Named) -> None:
        self.page.get_by_role("link", name=name).first.click()
        self.page.wait_for_load_state()
        self.look()

    def look(self) -> None:
        page = self.page
        assert page.locator("h1").count() == 1, f"{page.url} has {page.locator('h1').count()} h1"
        assert " – " in page.title(), f"{page.url} is titled {page.title()!r}"
        if self.scripts:
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= self.width, f"{page.url} is {wide} px wide on {self.width}"
            assert page.evaluate(SAID_TWICE) == [], f"{page.url} gives an id twice"
            found = AXE.run(page)
            assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
        assert self.complaints == [], f"{page.url}: {self.complaints}"

    def look_from_all_sides(self) -> None:
        """On a desk by day, and on a phone by night: what hangs on neither is looked at once."""
        self.look()
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        self.page.emulate_media(color_scheme="dark")
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{self.page.url} is {wide} px wide on a phone"
        wrong = self.page.evaluate(HANGS_ON_SIZE_OR_SCHEME)
        assert wrong == [], f"{self.page.url}, on a phone by night: {wrong}"
        self.page.set_viewport_size(DESK)  # type: ignore[arg-type]
        self.page.emulate_media(color_scheme="light")

    @property
    def text(self) -> str:
        return self.page.locator("main").inner_text()

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()


@pytest.fixture
def visitor(browser: Browser, site: str) -> Iterator[Visitor]:
    """Somebody new at the door: visitor(PHONE), visitor(DESK, scripts=False)."""
    contexts: list[BrowserContext] = []

    def arrive(size: dict[str, int] = DESK, *, scripts: bool = True) -> Visit:
        context = browser.new_context(viewport=size, java_script_enabled=scripts)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        visit = Visit(context, site, size["width"])
        visit.scripts = scripts
        return visit

    yield arrive
    for context in contexts:
        context.close()
