"""In Chromium: a visitor publishes, a friend finds it and follows a link to it; another waits for data that were not published."""

import json
import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as web
from tests.test_pages import rows

pytestmark = pytest.mark.browser

SCRIPT = "<img src=x onerror='window.__xss=1'><script>window.__xss=2</script>"


@pytest.fixture(scope="module")
def server(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 -- no server where there is no browser
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DISSECTION_STORE", str(tmp_path_factory.mktemp("community")))
        with web.served() as base:
            yield base


def bring(page: Page, base: str, judge: str, name: str) -> None:
    """Open a dataset of one's own."""
    data = "".join(json.dumps(row) + "\n" for row in rows(judges=[judge, "two"])).encode()
    if base:
        web.open_page(page, base, "upload", kind="dataset")
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    page.get_by_role("button", name="Open it").click()


def in_view(page: Page, name: str) -> None:
    page.wait_for_function("name => [...document.querySelectorAll('input[role=combobox]')].some(box => box.value.includes(name))", arg=name)
    web.settled(page)


def pause(page: Page) -> None:
    """Until a rerun that was just asked for is over; on a busy machine it begins late."""
    page.wait_for_timeout(400)
    web.settled(page)


def write(page: Page, label: str, words: str) -> None:
    """Fill a field in, once more where a rerun of the field before took the words away again."""
    field = page.get_by_label(label, exact=True)
    for _ in range(4):
        field.fill(words)
        page.keyboard.press("Tab")
        pause(page)
        if field.input_value() == words:
            return
    pytest.fail(f"{label} does not keep what is written into it")


def agree(page: Page) -> None:
    """Tick the consent box, once more where the click met a rerun."""
    box = page.get_by_role("checkbox", name="I agree that this becomes public")
    for _ in range(4):
        if box.is_checked():
            return
        page.get_by_text("I agree that this becomes public").click()
        pause(page)
    expect(box).to_be_checked()


def test_publishing_finding_and_following_a_link(server: str, visitor: Page, friend: Page) -> None:
    bring(visitor, server, "one", "mine.jsonl")
    in_view(visitor, "mine.jsonl")
    web.turn_to(visitor, "Community")
    expect(visitor.get_by_role("button", name="Publish", exact=True)).to_be_disabled()
    for label, words in (("Title", SCRIPT), ("Description", SCRIPT), ("Author (optional)", SCRIPT[:80])):
        write(visitor, label, words[:80])
    web.choose(visitor, "Licence", "CC0-1.0")
    pause(visitor)
    agree(visitor)
    expect(visitor.get_by_role("button", name="Publish", exact=True)).to_be_enabled(timeout=30_000)
    visitor.get_by_role("button", name="Publish", exact=True).click()
    visitor.get_by_text("This is its removal key").wait_for()
    web.turn_to(visitor, "Dissect")
    web.choose(visitor, "Scenario or condition", "Code")
    visitor.wait_for_url("**group=Code*")

    friend.goto(visitor.url)
    friend.locator(".js-plotly-plot").wait_for()
    web.settled(friend)
    assert "(community)" in web.chosen(friend, "Data")
    assert web.chosen(friend, "Scenario or condition") == "Code"
    assert web.drawn(friend)["hover"] == web.drawn(visitor)["hover"]
    web.turn_to(friend, "Community")
    web.select_box(friend, "Entry").click()
    friend.get_by_role("option").first.click()
    friend.get_by_role("button", name="Open it").wait_for()
    assert SCRIPT[:80] in friend.locator(".st-key-community-card").inner_text()
    for page in (visitor, friend):
        assert page.evaluate("() => window.__xss") is None
        assert not page.locator("[data-testid=stMain] img[src=x]").count()


def test_a_link_waits_for_the_same_file(server: str, visitor: Page, friend: Page) -> None:
    bring(visitor, server, "private", "private.jsonl")
    in_view(visitor, "private.jsonl")
    web.turn_to(visitor, "Dissect")
    web.choose(visitor, "Scenario or condition", "Advice")
    visitor.wait_for_url("**group=Advice*")
    friend.goto(visitor.url)
    friend.get_by_text("another visitor uploaded").wait_for()
    web.settled(friend)
    assert "own-" in friend.locator(".st-key-link-missing").inner_text()
    friend.get_by_role("link", name="Upload it").click()
    friend.locator("input[type=file]").wait_for(state="attached")
    web.settled(friend)
    bring(friend, "", "private", "private (1).jsonl")
    in_view(friend, "private (1).jsonl")
    friend.wait_for_url("**/dissect?*group=Advice*")
    assert not friend.locator(".st-key-link-missing").count()
    assert web.drawn(friend)["hover"] == web.drawn(visitor)["hover"]


def test_the_page_fits_a_small_screen(server: str, chromium: Browser) -> None:
    page = web.new_page(chromium, viewport={"width": 400, "height": 800}, color_scheme="dark")
    errors = web.watch_console(page, server)
    web.open_page(page, server, "community")
    assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth - main.clientWidth") <= 0
    assert not errors()
    page.context.close()
