"""In Chromium: from texts alone to annotated data, cancelled and gone on with, and how far the annotations can be trusted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dissection.native_file import write_native
from tests import browser as web
from tests.annotator_server import PlantedAnnotator, planted
from tests.chat_server import ChatServer

pytestmark = pytest.mark.browser
N = 30


@pytest.fixture
def annotator() -> Iterator[ChatServer]:
    with ChatServer(PlantedAnnotator(noise=0.1)) as found:
        yield found


@pytest.fixture
def base(chromium: Browser, annotator: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:  # noqa: ARG001
    monkeypatch.setenv("DISSECTION_PRIVATE_ENDPOINTS", "1")
    monkeypatch.setenv("DISSECTION_JOURNALS", str(tmp_path / "journals"))
    path = tmp_path / "pairs.jsonl"
    write_native(planted(N, seed=6)[0], path)
    with web.served(file=path) as found:
        yield found


def fill(page: Page, label: str, text: str) -> None:
    page.get_by_role("textbox", name=label).fill(text)
    page.get_by_role("textbox", name=label).press("Enter")
    web.settled(page)


def test_annotated_cancelled_gone_on_with_and_opened(base: str, annotator: ChatServer, visitor: Page) -> None:
    errors = web.watch_console(visitor, base)
    web.open_page(visitor, base, "annotate")
    expect(visitor.get_by_text("Without an endpoint")).to_be_visible()
    fill(visitor, "Address", annotator.url)
    fill(visitor, "Model", "m")
    annotator.pause = 0.4
    visitor.get_by_role("button", name="Start: at most").click()
    visitor.get_by_role("button", name="Cancel").click()
    visitor.get_by_text("The run stopped: cancelled").wait_for()
    annotator.pause = 0.0
    asked = annotator.requests
    assert 0 < asked < 3 * N
    visitor.get_by_role("button", name="Go on").click()
    visitor.get_by_text(f"{N} of {N} pairs have every annotation").wait_for()
    web.settled(visitor)
    assert set(annotator.answered.values()) == {1}, "nothing is asked twice"
    expect(visitor.get_by_role("button", name="Show what was answered")).to_be_visible()
    visitor.get_by_role("button", name="Open the annotated data").click()
    visitor.get_by_role("button", name="See how far it can be trusted").click()
    visitor.get_by_text("Agreement of the two annotations").wait_for()
    rows = web.drawn(visitor)["names"]
    assert "polite" in rows
    web.settled(visitor)
    assert web.query(visitor)["annotateview"] == "trust", "the address holds the view"
    web.turn_to(visitor, "Doctor")
    assert web.chosen(visitor, "Data") == "pairs.jsonl, annotated by m (yours)"
    assert errors() == []
