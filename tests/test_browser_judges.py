"""In Chromium: a visitor gives an endpoint, tries it, starts, cancels, goes on behind another page, and sees the judge on Dissect."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dissection.native_file import write_native
from tests import browser as web
from tests.asking_tools import KEY, marked
from tests.chat_server import ChatServer, PlantedJudge
from tests.test_browser_community import write

pytestmark = pytest.mark.browser

PAIRS = 60


@pytest.fixture(scope="module")
def model(chromium: Browser) -> Iterator[ChatServer]:  # noqa: ARG001 -- no server where there is no browser
    with ChatServer(PlantedJudge({"p0": 1.5, "p1": -1.0}, bias=0.4), key=KEY) as found:
        yield found


@pytest.fixture(scope="module")
def server(model: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 -- before the app that asks it
    folder = tmp_path_factory.mktemp("judges")
    write_native(marked(PAIRS), folder / "marked.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DISSECTION_PRIVATE_ENDPOINTS", "1")
        patch.setitem(os.environ, "DISSECTION_JOURNALS", str(folder / "journals"))
        patch.delenv("DISSECTION_ENDPOINT_KEY", raising=False)
        with web.served(file=folder / "marked.jsonl") as base:
            yield base


def press(page: Page, name: str) -> None:
    """A button whose label begins with these words; icons are words to a screen reader."""
    page.get_by_role("button", name=re.compile(f"{name}")).first.click()


def how_far(page: Page) -> Locator:
    """Where the page says how many calls are over; the line for narrow screens is there and hidden."""
    return page.get_by_text(re.compile(r"\d+ of 120 calls")).locator("visible=true")


def test_from_an_endpoint_to_a_judge_on_dissect(server: str, model: ChatServer, visitor: Page) -> None:
    errors = web.watch_console(visitor, server)
    web.open_page(visitor, server, "judges")
    expect(visitor.get_by_text("Without an endpoint")).to_be_visible()
    expect(visitor.get_by_text("120 calls; about")).to_be_visible()
    for label, words in (("Address", model.url), ("Name of the model", "m")):
        write(visitor, label, words)
    visitor.get_by_label("Key or token", exact=True).fill(KEY)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_text("No key is sent")).to_have_count(0)
    web.settled(visitor)
    expect(visitor.get_by_text("Without an endpoint")).to_have_count(0)
    press(visitor, "Dry run on the first five")
    expect(visitor.get_by_text("Prompts and replies of the dry run")).to_be_visible()
    expect(visitor.get_by_text("110 calls (10 more are in the journal)")).to_be_visible()
    assert model.requests == 10
    model.pause = 0.25
    press(visitor, "Start: 110 calls")
    # On the page, and in the sidebar.
    expect(how_far(visitor)).to_have_count(2)
    press(visitor, "Cancel")
    expect(visitor.get_by_text("The run stopped: cancelled")).to_be_visible()
    press(visitor, "Go on")
    expect(how_far(visitor)).to_have_count(2)
    # It goes on behind another page, where the sidebar shows it.
    web.turn_to(visitor, "Method")
    expect(how_far(visitor)).to_have_count(1)
    expect(visitor.get_by_role("button", name=re.compile("Stop this run"))).to_be_visible()
    model.pause = 0.0
    web.turn_to(visitor, "Judges")
    expect(visitor.get_by_text("120 verdicts of 120 asked")).to_be_visible()
    assert len(model.answered) == 2 * PAIRS
    assert set(model.answered.values()) == {1}
    press(visitor, "Add m to the data in view")
    visitor.get_by_text("See what they want on Dissect").click()
    assert "m (yours)" in web.drawn(visitor)["rows"]
    assert KEY not in visitor.url + visitor.content()
    assert errors() == []
