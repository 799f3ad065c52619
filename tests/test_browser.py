"""What a visitor does, in Chromium: reading, sharing a link, following a cell to its pairs, bringing labels and data."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as web

pytestmark = pytest.mark.browser

PATHS = (
    "",
    "dissect",
    "compare",
    "similarity",
    "substance",
    "manipulate",
    "scores",
    "diagnostics",
    "pairs",
    "annotate",
    "judges",
    "upload",
    "doctor",
    "export",
    "community",
    "method",
)
DEMO = web.ROOT / "data" / "demo.jsonl.gz"


@pytest.fixture(scope="session")
def demo(chromium: Browser) -> Iterator[str]:  # noqa: ARG001 -- no server where there is no browser
    with web.served() as base:
        yield base


def demo_ids() -> list[str]:
    with gzip.open(DEMO, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["pair_id"] for line in lines]


def attach(page: Page, name: str, data: bytes) -> None:
    web.settled(page)
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})


def downloaded(page: Page, button: str) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    found = Path(waiting.value.path()).read_text(encoding="utf-8")
    web.settled(page)
    return found


# This one is first: the address of a page may be the first that a new server is asked for.
def test_the_heatmap_and_a_link_to_its_scenario(demo: str, visitor: Page, friend: Page) -> None:
    web.open_page(visitor, demo, "dissect")
    chart = web.drawn(visitor)
    assert len(chart["rows"]) == 14
    assert len(chart["hover"]) == 14 * 29
    expect(visitor.locator("[data-testid=stPlotlyChart] .js-plotly-plot")).to_be_visible()
    web.choose(visitor, "Scenario or condition", "Code")
    visitor.wait_for_url("**group=Code*")
    visitor.wait_for_function("() => document.querySelector('.js-plotly-plot')?.data?.at(-1).customdata[0][1] === 'Code'")
    friend.goto(visitor.url)
    friend.locator(".js-plotly-plot").wait_for()
    web.settled(friend)
    assert web.chosen(friend, "Scenario or condition") == "Code"
    assert web.drawn(friend)["hover"] == web.drawn(visitor)["hover"]


def test_a_cell_leads_to_its_pairs_and_their_address_to_each(demo: str, visitor: Page, friend: Page) -> None:
    web.open_page(visitor, demo, "dissect", group="Code", sort="name")
    rows = web.drawn(visitor)["rows"]
    columns = visitor.locator(".js-plotly-plot").evaluate("gd => gd.layout.xaxis.ticktext")
    web.click_cell(visitor, columns.index("longer"), rows.index("human"))
    visitor.wait_for_url("**/pairs?*pair=*")
    web.settled(visitor)
    assert web.chosen(visitor, "Judge") == "human"
    assert web.chosen(visitor, "Scenario or condition") == "Code"
    filters = visitor.locator("[data-testid=stExpander]", has_text="Search and filter")
    if not web.select_box(visitor, "Property").is_visible():
        filters.locator("summary").click()
    assert web.chosen(visitor, "Property") == "longer"
    first = web.query(visitor)["pair"]
    expect(visitor.get_by_text("Answer A", exact=False).first).to_be_visible()
    visitor.get_by_role("button", name="Next").click()
    visitor.wait_for_function("first => new URLSearchParams(location.search).get('pair') !== first", arg=first)
    web.settled(visitor)
    second = web.query(visitor)["pair"]
    assert second in demo_ids()
    friend.goto(visitor.url)
    friend.locator(".st-key-answer-a").wait_for()
    web.settled(friend)
    assert web.query(friend)["pair"] == second
    for side in ("query", "a", "b"):
        answer = f".st-key-answer-{side}"
        assert friend.locator(answer).inner_text() == visitor.locator(answer).inner_text()


def test_a_visitor_brings_a_judge(demo: str, visitor: Page, friend: Page, shared: Path) -> None:
    labels = "pair_id,mine\n" + "".join(f"{pair_id},{'ab'[i % 2]}\n" for i, pair_id in enumerate(demo_ids()))
    web.open_page(visitor, demo, "upload")
    attach(visitor, "mine.csv", labels.encode())
    visitor.get_by_role("button", name="Add mine").wait_for()
    expect(visitor.locator("[data-testid=stMetric]", has_text="Matched pairs")).to_contain_text("2,600")
    visitor.get_by_role("button", name="Add mine").click()
    visitor.get_by_role("button", name="Effects (CSV)").wait_for()
    web.settled(visitor)

    table = list(csv.reader(io.StringIO(downloaded(visitor, "Effects (CSV)"))))
    assert len(table[0]) == 12
    assert len(table) == 1 + 29 * 16
    assert {row[table[0].index("judge")] for row in table[1:]} == {"mine"}
    weights = json.loads(downloaded(visitor, "Published-weights JSON"))
    assert len(weights) == 16
    assert all(set(judges) == {"mine"} and len(judges["mine"]) == 29 for judges in weights.values())

    # A list for another dataset is refused with both lengths; what is there stays.
    attach(visitor, "labels.json", (shared / "published_weights" / "example_preference_labels.json").read_bytes())
    refusal = visitor.locator("[data-testid=stAlert]", has_text="5,240")
    refusal.wait_for()
    expect(refusal).to_contain_text("2,600")
    web.settled(visitor)
    assert not visitor.locator(".st-key-add").count()

    web.turn_to(visitor, "Dissect")
    assert any(name.startswith("mine") for name in web.drawn(visitor)["rows"])
    assert len(web.drawn(visitor)["rows"]) == 15
    web.turn_to(visitor, "Similarity")
    assert any(name.startswith("mine") for name in web.drawn(visitor)["names"])
    web.turn_to(visitor, "Pairs")
    web.choose(visitor, "Judge", "mine (yours)")
    visitor.get_by_role("heading", name="Why mine would choose").wait_for()

    web.open_page(friend, demo, "dissect")
    assert not any(name.startswith("mine") for name in web.drawn(friend)["rows"])


def test_a_visitor_brings_a_whole_dataset(demo: str, visitor: Page) -> None:
    with gzip.open(DEMO, "rt", encoding="utf-8") as lines:
        data = "".join(line for line, _ in zip(lines, range(80), strict=False))
    web.open_page(visitor, demo, "upload", kind="dataset")
    attach(visitor, "brought.jsonl", data.encode())
    visitor.get_by_role("button", name="Open it").click()
    visitor.wait_for_function("() => [...document.querySelectorAll('input[role=combobox]')].some(box => box.value.includes('brought'))")
    web.settled(visitor)
    web.turn_to(visitor, "Dissect")
    assert "brought" in web.chosen(visitor, "Data")
    assert len(web.drawn(visitor)["rows"]) == 14
    assert "Simulated" not in visitor.locator("[data-testid=stMain]").inner_text()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_pages_draw_without_errors_and_fit_the_window(chromium: Browser, demo: str, scheme: str, width: int) -> None:
    page = web.new_page(chromium, color_scheme=scheme, viewport={"width": width, "height": 1000})
    errors = web.watch_console(page, demo)
    others: list[str] = []
    page.context.on("request", lambda request: None if request.url.startswith((demo, "data:", "blob:")) else others.append(request.url))
    for path in PATHS:
        web.open_page(page, demo, path)
        assert not page.locator("[data-testid=stException]").count(), path
        if path in ("dissect", "similarity", "pairs"):
            web.drawn(page)
        assert page.evaluate("() => document.scrollingElement.scrollWidth") <= width, path
        # Streamlit scrolls inside its main part, so the body alone would not tell.
        wide = page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth - main.clientWidth")
        assert wide <= 0, path
    background = page.locator("[data-testid=stApp]").evaluate("app => getComputedStyle(app).backgroundColor")
    brightness = sum(int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")) / 3
    assert (brightness < 80) == (scheme == "dark")
    assert not errors()
    assert others == [], "a page asked another host than the app's"
    page.context.close()
