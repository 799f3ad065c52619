"""A server of the app and a browser on it, for the browser tests and the benchmark of page times."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Others work on the same cores; nothing here waits longer than what it waits for.
PATIENCE = 30_000

QUIET = 250  # milliseconds

DRAWN = "gd => !!gd._fullLayout && !!gd.data && !!gd.querySelector('.main-svg')"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(script: Path = ROOT / "app.py", file: Path | None = None, seconds: float = 60) -> Iterator[str]:
    """The address of a Streamlit server of its own process, running the script (on the file, where one is given).

    The app on its demo may run already, as `.ci/space` has it: DISSECTION_TEST_SERVER is then its address.
    """
    if script == ROOT / "app.py" and file is None and (running := os.environ.get("DISSECTION_TEST_SERVER")):
        yield running
        return
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true", "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.fileWatcherType", "none", *(["--", str(file)] if file else [])]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", server, seconds)
            yield f"http://127.0.0.1:{port}"
        except _NotUpError as error:
            log.seek(0)
            raise RuntimeError(f"The server did not start: {log.read().decode(errors='replace')[-2000:]}") from error
        finally:
            end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server, kindly at first."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


class _NotUpError(Exception):
    """No answer from the server."""


def _wait(address: str, server: subprocess.Popen[bytes], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise _NotUpError


def missing() -> str:
    """Why no browser can be driven; empty if one can."""
    return "" if CHROMIUM.exists() and os.access(CHROMIUM, os.X_OK) else f"needs Chromium at {CHROMIUM} (apt-get install chromium)"


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)


def new_page(browser: Browser, **options: Any) -> Page:
    """A visitor of their own: nothing is shared with other pages."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, "accept_downloads": True, **options})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    return page


def in_view(page: Page) -> str:
    """Its address, whether a run is under way, its words, and which buttons can't be pressed."""
    try:
        app = page.get_by_test_id("stApp")
        state = app.get_attribute("data-test-script-state", timeout=2_000)
        off = [button.inner_text(timeout=2_000) for button in page.locator("button:disabled").all()]
        return f"{page.url}\n{state}; off: {off}\n{app.inner_text(timeout=2_000)}"
    except Error as error:
        return f"{page.url}\n{error.message}"


def settled(page: Page) -> None:
    """Waits until the app has drawn what it has to say: no run is under way, and no part of the page is stale.

    This has to hold for a while, as what was done last may not have reached the server yet; but not for ever, as a panel that draws itself
    anew each second leaves no long pauses.
    """
    page.wait_for_function(
        """([quiet, patience]) => {
            const app = document.querySelector("[data-testid=stApp]");
            const busy = app?.dataset.testScriptState !== "notRunning" || document.querySelector("[data-testid=stSkeleton], [data-stale=true]");
            const now = performance.now();
            window.settling ??= {since: now, quiet: now};
            if (busy) { window.settling.quiet = now; return false; }
            if (now - window.settling.quiet < quiet && now - window.settling.since < patience) return false;
            window.settling = undefined;
            return true;
        }""",
        arg=[QUIET, 12 * QUIET],
    )


def open_page(page: Page, base: str, path: str = "", **query: str) -> None:
    page.goto(f"{base}/{path}" + (f"?{urlencode(query)}" if query else ""))
    page.locator("h1").first.wait_for()
    settled(page)


def turn_to(page: Page, title: str) -> None:
    """Follow the link of the side bar."""
    page.locator("[data-testid=stSidebarNavLink]", has_text=title).click()
    page.wait_for_function("title => [...document.querySelectorAll('h1')].some(h => h.innerText.trim() === title)", arg=title)
    settled(page)


def query(page: Page) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(urlsplit(page.url).query).items()}


def select_box(page: Page, label: str) -> Locator:
    return page.get_by_role("combobox", name=label, exact=True)


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a select box by its label."""
    select_box(page, label).click()
    page.get_by_role("option", name=option, exact=True).click()


def chosen(page: Page, label: str) -> str:
    """What a select box shows."""
    return select_box(page, label).input_value()


def click_cell(page: Page, column: int, row: int) -> None:
    """Click a cell of the heatmap, counted from the left and from the top."""
    chart = page.locator(".js-plotly-plot").first
    chart.scroll_into_view_if_needed()
    place = chart.evaluate(
        """(gd, [column, row]) => {
            const box = gd.getBoundingClientRect(), {xaxis, yaxis} = gd._fullLayout;
            return [box.x + xaxis._offset + xaxis.d2p(column), box.y + yaxis._offset + yaxis.d2p(row)];
        }""",
        [column, row],
    )
    # Plotly takes a click on what the pointer hovers over.
    page.mouse.move(*place)
    page.locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.click(*place)


def drawn(page: Page, number: int = 0) -> Any:
    """The data and axes of the page's nth chart, once it is drawn."""
    chart = page.locator(".js-plotly-plot").nth(number)
    chart.wait_for()
    page.wait_for_function(
        f"n => {{ const gd = document.querySelectorAll('.js-plotly-plot')[n]; return gd && ({DRAWN})(gd); }}", arg=number
    )
    return chart.evaluate(
        """gd => ({
            rows: gd.layout.yaxis ? gd.layout.yaxis.ticktext : null,
            names: Object.entries(gd.layout).filter(([key]) => key.startsWith('yaxis')).flatMap(([, axis]) => axis.ticktext || []),
            hover: gd.data.flatMap(trace => trace.hovertext || []),
            types: gd.data.map(trace => trace.type),
        })"""
    )


def watch_console(page: Page, base: str) -> Callable[[], list[str]]:
    """Errors that the page logs or raises from now on, without those of other hosts (there is no network here).

    Streamlit looks for its own endpoints under the page's address first, and is told that they are not there.
    """
    found: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        source = message.location.get("url", "")
        if message.type == "error" and not (source.startswith("http") and (not source.startswith(base) or "/_stcore/" in source)):
            found.append(f"{message.text} ({source})")

    page.on("console", heard)
    page.on("pageerror", lambda error: found.append(str(error)))
    return lambda: found
