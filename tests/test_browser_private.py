"""Two browsers on one server: what one visitor brings is seen by no other, and goes when its tab is closed."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests import browser as web
from tests.fault_tools import Server, serving, until
from tests.test_pages import rows

pytestmark = pytest.mark.browser

SECRET = "zanzibar"  # in every field of what one visitor brings


@pytest.fixture(scope="module")
def server(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:  # noqa: ARG001 -- no server where there is no browser
    with serving(tmp_path_factory.mktemp("server"), STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="2") as found:
        yield found


def secret_pairs() -> bytes:
    pairs = rows(judges=[f"{SECRET} judge", "two"])
    for pair in pairs:
        pair |= {"query": f"{SECRET} query", "response_a": f"{SECRET} answer", "response_b": f"another {SECRET}"}
    return "".join(json.dumps(pair) + "\n" for pair in pairs).encode()


def says(page: Page) -> str:
    return str(page.evaluate("() => document.documentElement.innerHTML")).lower()


def events(server: Server, name: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in server.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


def test_what_one_visitor_brings_no_other_sees_and_it_ends_with_the_tab(server: Server, visitor: Page, friend: Page) -> None:
    web.open_page(visitor, server.address, "upload", kind="dataset")
    visitor.locator("input[type=file]").set_input_files({"name": f"{SECRET}.jsonl", "mimeType": "text/plain", "buffer": secret_pairs()})
    visitor.get_by_role("button", name="Open it").click()
    visitor.wait_for_function(
        "name => [...document.querySelectorAll('input[role=combobox]')].some(box => box.value.includes(name))", arg=f"{SECRET}.jsonl"
    )
    web.settled(visitor)
    web.turn_to(visitor, "Dissect")
    web.drawn(visitor)
    assert SECRET in says(visitor)
    address = visitor.url
    assert "data=own-" in address

    query = address.partition("?")[2]
    for path in ("dissect", "pairs", "upload", "export"):
        friend.goto(f"{server.address}/{path}?{query}")
        friend.locator("h1").first.wait_for()
        web.settled(friend)
        assert SECRET not in says(friend), path
    assert "another visitor" in says(friend)
    assert not events(server, "data ended"), "its visitor is still there"

    visitor.context.close()
    ended = until(lambda: events(server, "data ended"), "what a visitor brought is still there", 30)
    assert [found["results"] for found in ended if found["results"]], "the fits of it were kept until then"
    friend.goto(f"{server.address}/dissect?{query}")
    friend.locator("h1").first.wait_for()
    web.settled(friend)
    assert SECRET not in says(friend)
    assert server.status("_stcore/health") == 200
    assert SECRET not in server.log.read_text(encoding="utf-8").lower()
