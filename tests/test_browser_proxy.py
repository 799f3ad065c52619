"""The app under a base path, behind a proxy that closes web sockets on which nothing passes: pings keep them open, and where they don't, nothing is lost."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import browser as web
from tests.fault_tools import serving, until
from tests.idle_proxy import IdleProxy, idle_proxy
from tests.test_pages import rows

pytestmark = pytest.mark.browser

IDLE = 2.5  # seconds that the proxy waits, where real ones wait for 30 or 60
BASE = "/tools/dissection"
CONNECTED = "() => document.querySelector('[data-testid=stApp]')?.dataset.testConnectionState === 'CONNECTED'"
Behind = Callable[[int], tuple[IdleProxy, str]]


@pytest.fixture
def behind(chromium: Browser, tmp_path: Path) -> Iterator[Behind]:  # noqa: ARG001 -- no server where there is no browser
    """A server that pings every so many seconds, behind a proxy: the proxy, and the app's address on it."""
    with ExitStack() as stack:

        def start(ping_seconds: int) -> tuple[IdleProxy, str]:
            server = stack.enter_context(serving(tmp_path, DISSECTION_PING_SECONDS=str(ping_seconds), DISSECTION_BASE_PATH=BASE))
            proxy = stack.enter_context(idle_proxy(server.port, IDLE))
            return proxy, f"http://127.0.0.1:{proxy.port}{BASE}"

        yield start


def test_pings_keep_a_page_connected_on_which_nothing_is_done(behind: Behind, visitor: Page) -> None:
    proxy, base = behind(1)
    web.open_page(visitor, base, "dissect")
    opened = proxy.sockets
    assert opened == 1
    time.sleep(3 * IDLE)  # what a visitor does who reads
    assert proxy.cut == 0
    assert visitor.evaluate(CONNECTED)
    web.choose(visitor, "Scenario or condition", "Code")
    web.settled(visitor)
    web.drawn(visitor)
    assert web.query(visitor)["group"] == "Code"
    assert proxy.sockets == opened, "on the connection that was there"


def test_a_page_whose_connection_was_closed_is_back_with_all_that_its_visitor_had(behind: Behind, visitor: Page) -> None:
    proxy, base = behind(600)
    content = "".join(json.dumps(pair) + "\n" for pair in rows(judges=["mine", "yours"])).encode()
    web.open_page(visitor, base, "upload", kind="dataset")
    visitor.locator("input[type=file]").set_input_files({"name": "mine.jsonl", "mimeType": "text/plain", "buffer": content})
    visitor.get_by_role("button", name="Open it").click()
    visitor.wait_for_function("() => location.search.includes('data=own-')")
    web.settled(visitor)
    until(lambda: proxy.cut >= 2, "the proxy closes what pings don't keep open", 30)
    visitor.wait_for_function(CONNECTED)
    web.turn_to(visitor, "Dissect")
    hover = " ".join(map(str, web.drawn(visitor)["hover"]))
    assert "mine" in hover
    assert "yours" in hover
    assert web.query(visitor)["data"].startswith("own-")
    assert proxy.sockets > 2
