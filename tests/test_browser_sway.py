"""In Chromium: what sways a judge, the prompt that a friend sees by its link and copies, and predicted against observed from two files."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as web
from tests.test_pages import write
from tests.test_sway_page import swayed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def base(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 -- no server where there is no browser
    with web.served(file=write(tmp_path_factory.mktemp("sway"), swayed())) as found:
        yield found


def turn(page: Page, words: str, key: str, value: str | None) -> None:
    """One of the words side by side, once more where the click met a rerun; the address holds it, unless it is the usual one (None)."""
    for _ in range(4):
        page.locator("[data-testid=stButtonGroup]").get_by_text(words, exact=True).click()
        page.wait_for_timeout(400)
        web.settled(page)
        if web.query(page).get(key) == value:
            return
    pytest.fail(f"{words} is not chosen")


def upload(page: Page, label: str, *, won: bool) -> None:
    """Results in which three of four answers are won, or lost."""
    place = page.locator("[data-testid=stFileUploader]", has_text=label)
    rows = "".join(f"q{i},{'win' if (i % 4 > 0) == won else 'loss'}\n" for i in range(80))
    place.locator("input").set_input_files({"name": f"{label}.csv", "mimeType": "text/csv", "buffer": f"id,verdict\n{rows}".encode()})


def test_from_a_prediction_to_a_prompt_and_what_it_did(base: str, visitor: Page, friend: Page) -> None:
    errors = [web.watch_console(page, base) for page in (visitor, friend)]
    web.open_page(visitor, base, "manipulate")
    chart = web.drawn(visitor)
    assert chart["rows"] == ["relevant", "longer"]
    assert all("95 %" in words and "n = 240 pairs" in words for words in chart["hover"])
    assert web.drawn(visitor, 1)["rows"] == ["relevant ↑", "+ longer ↑"]
    expect(visitor.locator("[data-testid=stMain]")).to_contain_text("Most for least, of those told apart from 0: relevant ↑")
    web.choose(visitor, "Whose answers change", "mine")
    visitor.wait_for_url("**swaymodel=mine*")
    web.settled(visitor)
    turn(visitor, "Prompt", "swayview", "prompt")
    turn(visitor, "What it likes least", "swayfor", "disliked")

    # A friend follows the link and takes the prompt along.
    friend.context.grant_permissions(["clipboard-read", "clipboard-write"])
    friend.goto(visitor.url)
    code = friend.locator("[data-testid=stCode]")
    code.wait_for()
    web.settled(friend)
    assert web.chosen(friend, "Whose answers change") == "mine"
    code.hover()
    friend.get_by_role("button", name="Copy").click()
    words = friend.evaluate("() => navigator.clipboard.readText()")
    assert words.startswith("Answer the user's request.")
    assert words.count("\n- ") == 2
    assert words == visitor.locator("[data-testid=stCode] code").inner_text()

    turn(visitor, "Test", "swayview", "test")
    turn(visitor, "What the judge likes", "swayfor", None)
    visitor.get_by_text("Choose both files").wait_for()
    upload(visitor, "Before", won=False)
    expect(visitor.get_by_text("80 items: verdicts on the model's answers.")).to_have_count(1)
    upload(visitor, "After", won=True)
    expect(visitor.get_by_text("Both point the same way. Observed less predicted:")).to_be_visible()
    assert web.drawn(visitor)["rows"] == ["predicted win rate", "observed win rate", "observed less predicted"]
    web.turn_to(visitor, "Dissect")
    web.turn_to(visitor, "Manipulate")
    expect(visitor.get_by_text("In use: After.csv.")).to_be_visible()
    assert [found() for found in errors] == [[], []]
