"""In Chromium: data, uploads, files and addresses full of markup; nothing of them comes to life, and nothing asks another host."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest
from playwright.sync_api import Browser, Download, Error, Page

from tests import browser as web
from tests import hostile_data as hostile
from tests.hostile_data import STRINGS, Visit, Watched
from tests.test_browser import PATHS, attach

pytestmark = pytest.mark.browser

UNFOLD = "() => [...document.querySelectorAll('[data-testid=stMain] details:not([open]) > summary')].map(fold => fold.click()).length"
# The places of a point of the first and of the last trace of a chart, which is brought into view.
POINTS = """number => {
    const chart = document.querySelectorAll(".js-plotly-plot")[number];
    if (!chart?.calcdata) return [];
    chart.scrollIntoView({block: "center"});
    const box = chart.getBoundingClientRect(), found = [];
    for (const points of [chart.calcdata.at(0), chart.calcdata.at(-1)]) {
        const trace = points?.[0]?.trace, x = chart._fullLayout[(trace?.xaxis || "x").replace("x", "xaxis")];
        const y = chart._fullLayout[(trace?.yaxis || "y").replace("y", "yaxis")];
        if (!x || !y || trace.visible !== true) continue;
        const [right, up] = trace.type === "heatmap" ? [0, 0] : [points[0].x ?? points[0].p, points[0].y ?? points[0].s];
        found.push([box.x + x._offset + x.c2p(right), box.y + y._offset + y.c2p(up)]);
    }
    return found;
}"""
READY = "() => !document.querySelector('[data-testid=stMain] [data-testid=stProgress], [data-testid=stMain] [data-testid=stSpinner]')"


@pytest.fixture(scope="module")
def server(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:  # noqa: ARG001 -- no server where there is no browser
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / hostile.FILE_NAME.replace("/", "")
    file.write_bytes(hostile.lines(hostile.rows()))
    with hostile.watched(folder, file) as found:
        yield found


@pytest.fixture
def guest(chromium: Browser, server: Watched) -> Iterator[Visit]:
    with hostile.visit(chromium, server.base) as found:
        yield found
    # The server was asked for no dataset of the Hub and no model, so it called nobody, not even to look a name up.
    assert server.called() == []


def hovered(page: Page) -> int:
    """Points at some points of the first charts; how many labels came of it."""
    seen = 0
    for number in range(min(page.locator(".js-plotly-plot").count(), 3)):
        for place in page.evaluate(POINTS, number):
            page.mouse.move(*place)
            page.wait_for_timeout(60)
            seen += page.locator(".hoverlayer .hovertext").count()
    return seen


def unfold(page: Page) -> None:
    """Waits for what is computed behind the page, and opens what is folded, also inside of what was folded."""
    web.settled(page)
    if not page.evaluate(READY):
        page.wait_for_function(READY)
        web.settled(page)
    for _ in range(2):
        if page.evaluate(UNFOLD):
            web.settled(page)


def turn_to(page: Page, path: str) -> None:
    """Follow the link of the side bar, as a new address would be a new visit."""
    page.locator(f"[data-testid=stSidebarNavLink][href$='/{path}']").click()
    page.wait_for_url(f"**/{path}*")


def test_no_page_or_view_brings_data_to_life(guest: Visit, server: Watched) -> None:
    page, labels, views = guest.page, 0, 0
    web.open_page(page, server.base)
    for path in PATHS:
        turn_to(page, path)
        web.settled(page)
        choices = page.locator("[data-testid=stMain] [data-testid=stButtonGroup]").first.get_by_role("radio")
        for number in range(max(choices.count(), 1)):
            if number:
                choices.nth(number).click()
            unfold(page)
            labels += hovered(page)
            views += 1
            guest.check(f"{path}, view {number}")
    assert labels > 20
    assert views > 35


def test_an_upload_its_names_and_its_mistakes_are_text(guest: Visit, server: Watched) -> None:
    page, columns = guest.page, [name.replace('"', '""') for name in STRINGS]
    web.open_page(page, server.base, "upload", kind="dataset")
    unknown = "\n".join([",".join(f'"{name}"' for name in columns), *[",".join(f'"{name} {i}"' for name in columns) for i in range(30)]])
    wrong = [
        (name, hostile.lines([*found, {**hostile.rows(1)[0], **change}]))
        for name, found, change in (
            ("1. evil-item.jsonl", hostile.rows(4), {"labels": {STRINGS[0]: STRINGS[1]}}),
            ("**evil-bold**.jsonl", hostile.rows(4), {"properties": {STRINGS[4]: {"comparison": STRINGS[5]}}}),
            (":material_evil_icon:.jsonl", hostile.rows(4), {}),
            ("# evil-heading.jsonl", [], {"pair_id": {STRINGS[2]: STRINGS[3]}}),
            ("[evil-link](http:evil.test).jsonl", [], {STRINGS[7]: "x", "labels": STRINGS[6]}),
        )
    ]
    for name, data in (("$evil$.csv", unknown.encode()), ("<b>evil-b<b>.json", b'{"<img data-evil>": [1, '), *wrong):
        attach(page, name, data)
        page.locator("[data-testid=stAlert]").first.wait_for()
        unfold(page)
        guest.check(f"the mistake in {name}")
    attach(page, hostile.FILE_NAME.replace("/", ""), hostile.lines(hostile.rows(n=60, turn=11)))
    page.get_by_role("button", name="Open it").click()
    web.settled(page)
    guest.check("what was found in the upload")
    for path in ("", "dissect", "pairs", "doctor", "export", "community"):
        turn_to(page, path)
        unfold(page)
        guest.check(f"{path}, of the upload")


def test_hostile_labels_are_text(guest: Visit, server: Watched) -> None:
    page = guest.page
    web.open_page(page, server.base, "upload")
    attach(page, "wrong.csv", f'pair_id,"{STRINGS[0]}"\np,a\n'.encode())
    page.locator("[data-testid=stAlert]").last.wait_for()
    guest.check("a judge's name that is refused")
    ids = [row["pair_id"] for row in hostile.rows()]
    judges = ("2. evil-item", "# evil-heading", "__evil-bold__", ":material_evil_icon: :skull: :streamlit:", "evil@evil.test www.evil.test")
    web.open_page(page, server.base, "upload")
    table = pd.DataFrame({"pair_id": ids, **{name: ["a", "b", "tie"] * 53 + [STRINGS[0]] for name in judges}})
    attach(page, "> evil-quote.csv", table.to_csv(index=False).encode())
    page.locator(".st-key-add button").wait_for()
    unfold(page)
    guest.check("the report on labels")
    page.locator(".st-key-add button").click()
    page.get_by_role("button", name="Effects (CSV)").first.wait_for()
    unfold(page)
    guest.check("the judges that were added")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Effects (CSV)").nth(2).click()
    assert re.fullmatch(r"[A-Za-z0-9-]+\.csv", waiting.value.suggested_filename)
    attach(page, "evil.json", json.dumps({STRINGS[0]: STRINGS[2], STRINGS[5]: "a"}).encode())
    page.locator("[data-testid=stAlert]").last.wait_for()
    unfold(page)
    guest.check("labels for pairs that are not there")
    turn_to(page, "dissect")
    unfold(page)
    guest.check("labels on the heatmap")


def downloaded(page: Page, button: str) -> Download:
    """What a button gives; it is clicked again where the click met a rerun."""
    for _ in range(3):
        with contextlib.suppress(Error):
            with page.expect_download(timeout=30_000) as waiting:
                page.get_by_role("button", name=button).click()
            return waiting.value
    pytest.fail(f"“{button}” gives nothing")


def test_a_report_opens_without_asking_anyone(guest: Visit, server: Watched, tmp_path: Path) -> None:
    page = guest.page
    web.open_page(page, server.base, "export")
    report = downloaded(page, "Download the report")
    assert re.fullmatch(r"[A-Za-z0-9.-]+\.html", report.suggested_filename)
    report.save_as(tmp_path / "report.html")
    guest.others.clear()
    page.context.unroute_all()
    page.context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .main-svg').length > 3")
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    assert hovered(page) > 0
    assert page.evaluate(hostile.EVIL) == []
    assert [url for url in guest.others if not url.startswith("file:")] == []


def test_a_hostile_address_is_text(guest: Visit, server: Watched) -> None:
    keys = ("judge", "judges", "second", "group", "data", "pair", "text", "find", "entry", "view", "list", "beside")
    for turn, path in enumerate(("dissect", "pairs", "compare", "community")):
        address = urlencode({key: STRINGS[(place * 3 + turn * 7) % len(STRINGS)] for place, key in enumerate(keys)})
        guest.page.goto(f"{server.base}/{path}?{address}")
        guest.page.locator("h1").first.wait_for()
        unfold(guest.page)
        guest.check(address)
