"""How long a visitor waits: the Dissect page of the demo against a bare page with one heatmap, and a change of scenario.

    python -m benchmarks.page_times

Both servers are warm (each page was opened once before), each opening has a browser context of its own, and the two pages take turns, so
that what else the machine does falls on both. A page counts as drawn when Plotly has drawn the cells of its heatmap; a scenario as changed
when the plot's data are the new scenario's and drawn. Goals: a ratio of at most 1.5, and a change in less than 0.5 s.
"""

import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests import browser as web

OPENINGS = 10
RATIO_GOAL, CHANGE_GOAL = 1.5, 0.5
# Plotly draws a heatmap as an image; it is there once it has a size.
DRAWN = "() => [...document.querySelectorAll('.js-plotly-plot .hm image')].some(image => image.getBoundingClientRect().width > 50)"
CHANGED = """scenario => {
    const gd = document.querySelector('.js-plotly-plot');
    return gd && gd.data && gd.data.at(-1).customdata?.[0]?.[1] === scenario && !!gd.querySelector('.hm image');
}"""


def opening(browser: Browser, address: str) -> float:
    """Seconds from the start of navigation to a drawn heatmap, for a new visitor."""
    page = web.new_page(browser)
    try:
        begun = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_function(DRAWN, polling="raf")
        return time.perf_counter() - begun
    finally:
        page.context.close()


def change(page: Page, scenario: str) -> float:
    """Seconds from the choice of a scenario to its drawn heatmap."""
    web.select_box(page, "Scenario or condition").click()
    option = page.get_by_role("option", name=scenario, exact=True)
    option.wait_for()
    begun = time.perf_counter()
    option.click()
    page.wait_for_function(CHANGED, arg=scenario, polling="raf")
    return time.perf_counter() - begun


def scenarios(page: Page) -> list[str]:
    web.select_box(page, "Scenario or condition").click()
    names = page.get_by_role("option").all_inner_texts()
    page.keyboard.press("Escape")
    return [name for name in names if "(" not in name and name != "All pairs"]


def told(name: str, seconds: list[float]) -> float:
    middle = statistics.median(seconds)
    print(f"{name}: median {middle:.2f} s of {len(seconds)} (from {min(seconds):.2f} to {max(seconds):.2f})")
    return middle


def main() -> int:
    """Measure, print, and return 1 if a goal is missed."""
    bare_script = Path(__file__).resolve().parent / "bare_page.py"
    with web.served() as app, web.served(bare_script) as bare, sync_playwright() as playwright:
        browser = web.launch(playwright)
        pages = {"bare page": f"{bare}/", "Dissect": f"{app}/dissect"}
        for address in pages.values():
            opening(browser, address)
        times: dict[str, list[float]] = {name: [] for name in pages}
        for _ in range(OPENINGS):
            for name, address in pages.items():
                times[name].append(opening(browser, address))
        visitor = web.new_page(browser)
        web.open_page(visitor, app, "dissect")
        web.drawn(visitor)
        names = scenarios(visitor)
        firsts = [change(visitor, names[i % len(names)]) for i in range(OPENINGS)]
        again = [change(visitor, names[i % len(names)]) for i in range(OPENINGS)]
        browser.close()
    bare_time, app_time = (told(f"{name}, from opening to a drawn heatmap", seconds) for name, seconds in times.items())
    ratio = app_time / bare_time
    print(f"ratio: {ratio:.2f} (goal: at most {RATIO_GOAL})")
    first = told("change of scenario, fitted for the first time", firsts)
    told("change of scenario, seen before", again)
    print(f"goal for a change: under {CHANGE_GOAL} s")
    return int(ratio > RATIO_GOAL or first >= CHANGE_GOAL)


if __name__ == "__main__":
    sys.exit(main())
