"""A stranger's first minute on the hosted form, in five pictures: `python docs/first_minute.py` makes them anew in docs/first_minute/.

It starts `python -m dissection.serve` as a Space does, and walks through it with Chromium, as tests/browser.py drives it.
"""

import gzip
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import browser as web  # noqa: E402

PICTURES = ROOT / "docs" / "first_minute"
LABELS = "lengthy-judge.csv"


def labels() -> bytes:
    """A judge's labels on the demo, made up: it takes the longer answer."""
    lines = ["pair_id,lengthy judge"]
    with gzip.open(ROOT / "data" / "demo.jsonl.gz", "rt", encoding="utf-8") as pairs:
        for line in pairs:
            pair = json.loads(line)
            lines.append(f"{pair['pair_id']},{'a' if len(pair['response_a']) > len(pair['response_b']) else 'b'}")
    return ("\n".join(lines) + "\n").encode()


def picture(page: Page, number: int) -> None:
    """What is in view, as it is seen without scrolling."""
    page.mouse.move(5, 5)
    web.settled(page)
    page.screenshot(path=PICTURES / f"{number}.png")


def walk(page: Page, base: str) -> None:
    """Open it, find the heatmap, look into a cell, bring a judge, see whom it is like."""
    web.open_page(page, base)
    picture(page, 1)
    web.turn_to(page, "Dissect")
    web.drawn(page)
    picture(page, 2)
    web.click_cell(page, 0, 0)
    page.wait_for_url("**/pairs*")
    web.settled(page)
    picture(page, 3)
    web.turn_to(page, "Upload")
    page.locator("input[type=file]").set_input_files({"name": LABELS, "mimeType": "text/csv", "buffer": labels()})
    add = page.get_by_role("button", name="Add lengthy judge")
    add.wait_for()
    picture(page, 4)
    add.click()
    page.get_by_text("Added:").wait_for()
    web.turn_to(page, "Similarity")
    web.drawn(page)
    picture(page, 5)


def main() -> None:
    """Serve, walk, stop."""
    PICTURES.mkdir(exist_ok=True)
    port = web.free_port()
    base = f"http://localhost:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "dissection.serve"], cwd=ROOT, env={**os.environ, "DISSECTION_PORT": str(port), "SPACE_ID": "owner/name"}
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{base}/_stcore/health", timeout=2).close()  # noqa: S310 (our own server)
                break
            except OSError:
                time.sleep(0.1)
        with sync_playwright() as playwright:
            browser = web.launch(playwright)
            walk(web.new_page(browser, viewport={"width": 1280, "height": 860}, color_scheme="light"), base)
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
