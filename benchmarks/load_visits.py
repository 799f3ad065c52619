"""What the load test's visitors do: look around, upload, and start the full analysis."""

import asyncio
import csv
import functools
import gzip
import io
import json
import math
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine
from http.cookies import SimpleCookie
from random import Random
from typing import Any, Final, NamedTuple

from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.load_client import Page
from benchmarks.load_page import Contents, LoadError
from benchmarks.load_widgets import CHOICES, Widget
from dissection.judges import DATA_FOLDER
from dissection.regression.model import STANDARD
from dissection.simulate import simulate_demo

# How often each page is turned to, against the others; the ones that are not named: 1.
LIKED: Final = {"Dissect": 4, "Compare": 3, "Similarity": 3, "Pairs": 3, "Style or substance": 2, "Scores": 2}
FIRST_PAGE: Final = "Overview"
SIDEBAR: Final = ("model", "folds", "b", "engine", "image")
SIDEBAR_SHARE, PAGE_SHARE, TABLE_SHARE = 0.04, 0.3, 0.08
UPLOADED_PAIRS, UPLOADED_JUDGES = 5_000, 4
JOB_JUDGES: Final = (("cedar-7b", "cedar-14b"), ("aspen-7b", "aspen-14b"), ("human", "maple-large"))
JOB_SCENARIOS, JOB_DRAWS, JOB_SECONDS = 2, "500", 600.0
PROGRESS: Final = "progress of a job"  # a part of a page that draws itself anew
HOW_FAR: Final = re.compile(r"(\d+) of (\d+) cells")


class Done(NamedTuple):
    """Something that a visitor did.

    Attributes:
        kind: what, as the table of the results calls it.
        page: on which page.
        what: of it.
        at: seconds since the start.
        seconds: until the script had finished.
    """

    kind: str
    page: str
    what: str
    at: float
    seconds: float


class Fault(NamedTuple):
    """Something that a visitor met and should not have."""

    visitor: str
    page: str
    what: str
    words: str


class Diary:
    """What all visitors did and met.

    Attributes:
        done: what they did.
        faults: what they met.
        jobs: visitor → [seconds since the start, cells that were done], at each change.
    """

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.done: list[Done] = []
        self.faults: list[Fault] = []
        self.jobs: dict[str, list[tuple[float, int]]] = {}

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun


class Guest:
    """Someone who looks around.

    Args:
        name: for the results.
        address: of the server.
        diary: where everything is written down.
        think: mean seconds between two actions.
        seed: of their dice.
    """

    def __init__(self, name: str, address: str, diary: Diary, think: float, seed: int) -> None:
        self.name, self.diary, self.think = name, diary, think
        self.dice, self.title, self._address = Random(seed), FIRST_PAGE, address


class Visitor(Guest):
    """One session after another: its page, and what it does until the end.

    Args:
        name, address, diary, think, seed: those of `Guest`.
        stay: mean seconds until a visitor closes the tab and the next one comes.

    Attributes:
        page: of the present session.
        received: bytes, of the sessions that are over.
    """

    def __init__(self, name: str, address: str, diary: Diary, think: float, seed: int, stay: float = math.inf) -> None:
        super().__init__(name, address, diary, think, seed)
        self.page, self.received, self._stay = Page(address), 0, stay

    async def visit(self, until: float, errands: list[tuple[float, Callable[["Visitor"], Coroutine[Any, Any, None]]]]) -> None:
        """Come, look around until the time is over, run the errands when their time has come, and go."""
        try:
            await asyncio.sleep(self.dice.uniform(0, 2 * self.think))
            leaves = await self._come()
            while errands or self.diary.now < until:
                thought = self.dice.uniform(0.4, 1.6) * self.think
                await asyncio.sleep(min(thought, max(errands[0][0] - self.diary.now, 0.0)) if errands else thought)
                if errands and errands[0][0] <= self.diary.now:
                    await errands.pop(0)[1](self)
                elif self.diary.now < leaves:
                    await self.look_around()
                else:
                    await self._go()
                    leaves = await self._come()
        except (LoadError, OSError) as error:
            self.diary.faults.append(Fault(self.name, self.title, "visit", str(error)))
        finally:
            await self._go()

    async def _come(self) -> float:
        """Open a tab; when it will be closed."""
        self.page, self.title = Page(self._address), FIRST_PAGE
        await self.do("open", self.title, self.page.open())
        return self.diary.now + self.dice.uniform(0.4, 1.6) * self._stay

    async def _go(self) -> None:
        await self.page.close()
        self.received += self.page.received
        begun = time.perf_counter() - self.diary.now
        self.diary.done += [Done(PROGRESS, "", self.name, asked - begun, seconds) for asked, seconds in self.page.reruns]

    async def do(self, kind: str, what: str, action: Coroutine[Any, Any, float]) -> None:
        """Do something and write down how long it took, and what it brought to light."""
        at, page = self.diary.now, self.title
        try:
            self.diary.done.append(Done(kind, page, what, at, await action))
        finally:
            self.diary.faults += [Fault(self.name, self.title, f"{kind} {what}: {fault}", words) for fault, words in self.page.errors]
            self.page.errors.clear()

    async def look_around(self) -> None:
        """Turn to another page, open a table, or choose something."""
        widgets = [widget for widget in self.page.widgets() if not widget.disabled]
        choices = [widget for widget in widgets if widget.kind in CHOICES and self._others(widget) and widget.key != "data"]
        of_page = [widget for widget in choices if widget.key not in SIDEBAR]
        of_sidebar = [widget for widget in choices if widget.key in SIDEBAR]
        tables = [widget for widget in widgets if widget.kind == "expandable" and widget.key.startswith("table-")]
        dice = self.dice.random()
        if dice < PAGE_SHARE or not of_page:
            await self.turn_to(self._next_page())
        elif dice < PAGE_SHARE + TABLE_SHARE and tables:
            table = self.dice.choice(tables)
            await self.do("table", table.key, self.page.choose(table, *self._others(table)))
        elif dice > 1 - SIDEBAR_SHARE and of_sidebar:
            widget = self.dice.choice(of_sidebar)
            await self.do("sidebar", widget.key, self.page.choose(widget, *self._another(widget)))
        else:
            widget = self.dice.choice(of_page)
            await self.do("filter", widget.key, self.page.choose(widget, *self._another(widget)))

    async def turn_to(self, title: str) -> None:
        """Follow a link of the navigation."""
        self.title = title
        await self.do("page", title, self.page.turn_to(title))

    async def set(self, key: str, *values: str, kind: str = "filter") -> None:
        """Choose values of a widget by its key."""
        await self.do(kind, key, self.page.choose(self.page.widget(key), *values))

    async def upload(self, key: str, name: str, content: bytes) -> None:
        """Put a file where the server says, and tell the page of it."""
        at = time.perf_counter()
        urls = await self.page.file_urls(name)
        await asyncio.to_thread(put, self._address, urls.upload_url, name, content)
        self.diary.done.append(Done("upload: transfer", self.title, name, self.diary.now, time.perf_counter() - at))
        widget = next(widget for widget in self.page.widgets() if widget.kind == "file_uploader" and widget.key.startswith(key))
        state = WidgetState(id=widget.id)
        info = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(content), file_id=urls.file_id)
        info.file_urls.CopyFrom(urls)
        await self.do("upload: read", name, self.page.give(state))

    async def press(self, key: str, kind: str) -> None:
        """Click a button by its key."""
        await self.do(kind, key, self.page.click(self.page.widget(key)))

    def _next_page(self) -> str:
        pages = [title for title in self.page.pages if title != self.title]
        return self.dice.choices(pages, [LIKED.get(title, 1) for title in pages])[0]

    @staticmethod
    def _others(widget: Widget) -> list[str]:
        return [option for option in widget.options if option not in widget.chosen]

    def _another(self, widget: Widget) -> list[str]:
        if widget.kind == "multiselect":
            return self.dice.sample(widget.options, min(self.dice.randint(1, 4), len(widget.options)))
        return [self.dice.choice(self._others(widget))]


def put(address: str, path: str, name: str, content: bytes) -> None:
    """Upload a file as the frontend does, with the cookie that the server wants to see again.

    Raises:
        LoadError: the server did not take it.
    """
    with urllib.request.urlopen(f"{address}/_stcore/health", timeout=30) as answer:
        cookie = SimpleCookie(answer.headers.get("Set-Cookie", ""))
    boundary = "--------------------------load"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    if token := cookie.get("_streamlit_xsrf"):
        headers |= {"X-Xsrftoken": token.value, "Cookie": f"_streamlit_xsrf={token.value}"}
    where = path if path.startswith("http") else address + path
    try:
        with urllib.request.urlopen(urllib.request.Request(where, body, headers, method="PUT"), timeout=60):
            pass
    except urllib.error.HTTPError as error:
        raise LoadError(f"the upload was refused: {error.code} {error.read(200).decode(errors='replace')}") from error


@functools.cache
def dataset_file(seed: int) -> bytes:
    """A dataset that no other visitor has, of 5,000 pairs with texts, as JSON Lines."""
    records, _ = simulate_demo(UPLOADED_PAIRS, UPLOADED_JUDGES, seed)
    return gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode(), 1)


@functools.cache
def labels_file(seed: int) -> bytes:
    """A judge's labels of all pairs of the demo, as CSV."""
    dice, out = Random(seed), io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("pair_id", "judge", "label"))
    with gzip.open(DATA_FOLDER / "demo.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows.writerows((json.loads(line)["pair_id"], f"visitor-{seed}", dice.choice("ab")) for line in lines)
    return out.getvalue().encode()


async def upload_dataset(visitor: Visitor, seed: int) -> None:
    """Upload a dataset, open it, and look at it."""
    await visitor.turn_to("Upload")
    await visitor.set("kind", "A whole dataset")
    await visitor.upload("dataset_file", "pairs.jsonl.gz", dataset_file(seed))
    await visitor.press("open", "upload: open")
    await visitor.turn_to("Dissect")


async def upload_labels(visitor: Visitor, seed: int) -> None:
    """Upload labels, add the judge, and look at it."""
    await visitor.turn_to("Upload")
    await visitor.upload("labels_file", "labels.csv", labels_file(seed))
    await visitor.press("add", "upload: open")
    await visitor.turn_to("Dissect")


async def run_job(visitor: Visitor, number: int) -> None:
    """Start a full analysis of a few cells, and stay on its page until it is over."""
    await visitor.turn_to("Diagnostics")
    await visitor.set("model", STANDARD.name)  # another, which may have been chosen on the way here, has no scenarios to choose, or no job
    await visitor.set("draws", JOB_DRAWS)
    await visitor.set("sample-judges", *JOB_JUDGES[number % len(JOB_JUDGES)])
    await visitor.set("sample-groups", *visitor.page.widget("sample-groups").options[1 : 1 + JOB_SCENARIOS])
    course = visitor.diary.jobs.setdefault(visitor.name, [])
    await visitor.press("sample", "start of a job")
    end = visitor.diary.now + JOB_SECONDS
    while visitor.diary.now < end:
        done, total = how_far(visitor.page)
        if not course or course[-1][1] != done:
            course.append((visitor.diary.now, done))
        if total and done >= total:
            return
        await asyncio.sleep(0.2)
    raise LoadError(f"the job was not over after {JOB_SECONDS:.0f} s: {course[-1:]}")


def how_far(page: Contents) -> tuple[int, int]:
    """Cells that are done, and all cells, as the page says it; zeros where it says nothing."""
    found = next((match for text in page.texts("markdown") if (match := HOW_FAR.search(text))), None)
    return (int(found[1]), int(found[2])) if found else (0, 0)
