"""Work behind a page in Chromium: it goes on while the tab is open, on whatever page, and ends after the tab was closed."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import browser as web

pytestmark = pytest.mark.browser
LONGER_THAN_GONE = 3000  # milliseconds, twice what `behind_app` allows


def test_work_survives_another_page_and_ends_with_the_tab(chromium: Browser, tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    with web.served(script=Path(__file__).with_name("behind_app.py"), file=said) as base:
        page = web.new_page(chromium)
        web.open_page(page, base)
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        page.wait_for_timeout(LONGER_THAN_GONE)
        assert said.read_text(encoding="utf-8") == "working", "the page is open"
        web.turn_to(page, "Other")
        page.wait_for_timeout(LONGER_THAN_GONE)
        assert said.read_text(encoding="utf-8") == "working", "the tab is open, on another page"
        web.turn_to(page, "Work")
        expect(page.get_by_text("Counting …")).to_be_visible()
        watching = web.new_page(chromium)
        web.open_page(watching, base)
        page.context.close()
        watching.wait_for_timeout(LONGER_THAN_GONE)
        assert said.read_text(encoding="utf-8") == "working", "somebody else waits for the same"
        watching.context.close()
        after = web.new_page(chromium)
        for _ in range(100):
            if said.read_text(encoding="utf-8") != "working":
                break
            after.wait_for_timeout(200)
        after.context.close()
        assert said.read_text(encoding="utf-8") == "given up"
