"""The full analysis in Chromium: it is started, goes on behind other pages and closed tabs, is answered from the cache, and is cancelled."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as web
from tests.jobs_cells import COMPILES
from tests.test_pages import rows, write

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def small(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 -- no server where there is no browser
    """A server on 400 pairs with two properties and two judges."""
    with web.served(file=write(tmp_path_factory.mktemp("jobs"), rows(n=400))) as base:
        yield base


def wait_for_panel(page: Page, words: str, milliseconds: float = 1000 * COMPILES) -> None:
    # The panel is drawn anew each second.
    expect(page.get_by_test_id("stSidebar")).to_contain_text(re.compile(words), timeout=milliseconds)


def start(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^.*Sample .* by NUTS")).click()


def test_a_job_goes_on_behind_other_pages_and_its_cells_appear(small: str, visitor: Page, friend: Page) -> None:
    web.open_page(visitor, small, "diagnostics")
    expect(visitor.get_by_text("Nothing has been sampled yet")).to_be_visible()
    start(visitor)
    wait_for_panel(visitor, "Full analysis · (waiting|running)")
    wait_for_panel(visitor, "Now: one in All pairs")
    # Another page, and another visitor who asks for the same: neither disturbs it, and it is sampled once.
    web.turn_to(visitor, "Dissect")
    web.drawn(visitor)
    wait_for_panel(visitor, "Full analysis · running", 5000)
    web.open_page(friend, small, "diagnostics")
    start(friend)
    wait_for_panel(friend, "Full analysis · (waiting|running)")
    wait_for_panel(visitor, "Full analysis · finished\\s*1 of 1 cells")
    wait_for_panel(friend, "Full analysis · finished\\s*1 of 1 cells")
    # What was sampled is on the page without being asked for, as it came while the page was open.
    expect(friend.get_by_text("What has been sampled")).to_be_visible(timeout=30_000)
    expect(friend.get_by_text("1 of 1 sampled cells passed")).to_be_visible()
    web.drawn(friend, 3)


def test_a_closed_tab_does_not_end_its_job(small: str, chromium: Browser, visitor: Page) -> None:
    closing = web.new_page(chromium)
    web.open_page(closing, small, "diagnostics", **{"sample-judges": "two"})
    start(closing)
    wait_for_panel(closing, "Now: two in All pairs")
    closing.context.close()
    web.open_page(visitor, small, "diagnostics", **{"sample-judges": "two"})
    start(visitor)
    wait_for_panel(visitor, "Full analysis · finished\\s*1 of 1 cells")
    web.open_page(visitor, small, "dissect", engine="nuts", view="dots")
    said = [words for words in web.drawn(visitor)["hover"] if "two" in words]
    assert said
    assert all("sampled by NUTS" in words for words in said)


def test_a_job_is_cancelled(small: str, visitor: Page) -> None:
    web.open_page(visitor, small, "diagnostics", draws="5000", **{"sample-groups": "Code"})
    visitor.get_by_role("button", name="Clear all").last.click()
    web.settled(visitor)
    start(visitor)
    wait_for_panel(visitor, "Full analysis · (waiting|running)")
    visitor.get_by_role("button", name="Cancel").click()
    wait_for_panel(visitor, "Full analysis · cancelled", 30_000)
    visitor.get_by_role("button", name="Put away").click()
    expect(visitor.get_by_test_id("stSidebar")).not_to_contain_text("Full analysis")


def test_a_second_job_has_to_wait(small: str, visitor: Page) -> None:
    web.open_page(visitor, small, "diagnostics", draws="5000", **{"sample-groups": "Advice"})
    start(visitor)
    wait_for_panel(visitor, "Full analysis · (waiting|running)")
    start(visitor)
    expect(visitor.get_by_text("An analysis of yours is still running")).to_be_visible(timeout=30_000)
    visitor.get_by_role("button", name="Cancel").click()
    wait_for_panel(visitor, "Full analysis · cancelled", 30_000)
