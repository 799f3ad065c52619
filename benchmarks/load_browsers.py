"""The load test's real browsers: pages of Chromium that look around as the scripted visitors do, timed by what passes their web sockets."""

import asyncio
import contextlib
import time
from typing import Any, Final

from playwright.async_api import Browser, Locator, WebSocket
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as Tab
from playwright.async_api import TimeoutError as PlaywrightTimeout
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.load_visits import LIKED, PAGE_SHARE, Diary, Done, Fault, Guest

PATIENCE: Final = 90.0  # seconds
QUIET_MS, QUIET_TRIES = 250, 40
OPEN_MS, OPEN_TRIES = 5_000, 3
BUSY: Final = """() => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "notRunning"
    || !!document.querySelector("[data-testid=stSkeleton], [data-stale=true]")"""


class BrowserVisitor(Guest):
    """One tab of Chromium. Args: those of `Guest`."""

    def __init__(self, name: str, address: str, diary: Diary, think: float, seed: int) -> None:
        super().__init__(name, address, diary, think, seed)
        self._asked: float | None = None
        self._began = False
        self._took: asyncio.Future[float] | None = None

    async def visit(self, browser: Browser, until: float) -> None:
        """Come, look around until the time is over, and go."""
        context = await browser.new_context(viewport={"width": 1440, "height": 1000})
        tab = await context.new_page()
        tab.set_default_timeout(PATIENCE * 1000)
        tab.on("websocket", self._listen)
        tab.on("pageerror", lambda error: self._fault("script of the page", str(error)))
        tab.on("crash", lambda _: self._fault("crash", "the tab crashed"))
        try:
            await asyncio.sleep(self.dice.uniform(0, 2 * self.think))
            await self._do(tab, "open", self.title, self._goto(tab))
            while self.diary.now < until:
                await asyncio.sleep(self.dice.uniform(0.4, 1.6) * self.think)
                await self._look_around(tab)
        except (PlaywrightError, TimeoutError) as error:
            self._fault("visit", f"{type(error).__name__}: {str(error)[:300]}")
        finally:
            await context.close()

    def _fault(self, what: str, words: str) -> None:
        self.diary.faults.append(Fault(self.name, self.title, what, words))

    async def _goto(self, tab: Tab) -> None:
        await tab.goto(self._address, wait_until="commit")

    async def _do(self, tab: Tab, kind: str, what: str, action: Any) -> None:
        """Do something; written down are the seconds until the script had finished, and until the page was drawn."""
        at, begun = self.diary.now, time.perf_counter()
        self._asked, self._began, self._took = None, False, asyncio.get_running_loop().create_future()
        await action
        took = await asyncio.wait_for(self._took, PATIENCE)
        for _ in range(QUIET_TRIES):
            if not await tab.evaluate(BUSY):
                break
            await asyncio.sleep(QUIET_MS / 1000)
        self.diary.done.append(Done(f"browser: {kind}", self.title, what, at, took))
        self.diary.done.append(Done(f"browser: {kind}, drawn", self.title, what, at, time.perf_counter() - begun))
        for alert in await tab.locator("[data-testid=stException], [data-testid=stAlertContentError]").all_inner_texts():
            self._fault("error element", alert)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, data: str | bytes) -> None:
        message = BackMsg.FromString(data) if isinstance(data, bytes) else BackMsg()
        if message.WhichOneof("type") == "rerun_script" and not message.rerun_script.fragment_id and self._asked is None:
            self._asked = time.perf_counter()

    def _received(self, data: str | bytes) -> None:
        # Messages with charts are large, and none of these says that something began or ended.
        if self._asked is None or not isinstance(data, bytes) or len(data) > 20_000:
            return
        message = ForwardMsg.FromString(data)
        kind, of_fragment = message.WhichOneof("type"), bool(message.metadata.run.fragment_ids)
        if kind == "new_session" and not of_fragment:
            self._began = True
        elif (
            kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN and self._began and not of_fragment
        ):
            self._over(time.perf_counter() - self._asked)

    def _over(self, seconds: float) -> None:
        if self._took and not self._took.done():
            self._took.set_result(seconds)

    async def _look_around(self, tab: Tab) -> None:
        # Not those in a closed fold, which nobody could click.
        boxes = tab.locator("[data-testid=stMain] [data-testid=stSelectbox] input:enabled:visible")
        buttons = tab.locator(
            "[data-testid=stMain] [data-testid=stButtonGroup] button[kind=segmented_control]:visible, "
            "[data-testid=stMain] [data-testid=stButtonGroup] [aria-checked=false]:visible"
        )
        usable = [place for place in (boxes, buttons) if await place.count()]
        if self.dice.random() < PAGE_SHARE or not usable:
            await self._turn(tab)
            return
        places = self.dice.choice(usable)
        place = places.nth(self.dice.randrange(await places.count()))
        if places is boxes:
            await self._choose(tab, place)
        else:
            await self._do(tab, "filter", await place.inner_text(), place.click())

    async def _turn(self, tab: Tab) -> None:
        titles = [title.strip() for title in await tab.locator("[data-testid=stSidebarNavLink]").all_inner_texts()]
        words = [title.split("\n")[-1] for title in titles]
        places = [place for place, title in enumerate(words) if title != self.title]
        place = self.dice.choices(places, [LIKED.get(words[place], 1) for place in places])[0]
        self.title = words[place]
        await self._do(tab, "page", self.title, tab.locator("[data-testid=stSidebarNavLink]").nth(place).click())

    async def _choose(self, tab: Tab, box: Locator) -> None:
        label = await box.get_attribute("aria-label") or ""
        shown = await box.input_value()
        options = tab.get_by_role("option")
        for _ in range(OPEN_TRIES):
            await box.click()
            # A page that is drawn anew at this moment closes the list.
            with contextlib.suppress(PlaywrightTimeout):
                await options.first.wait_for(timeout=OPEN_MS)
                break
            await tab.keyboard.press("Escape")
        others = [place for place, words in enumerate(await options.all_inner_texts()) if words.strip() != shown]
        if not others:
            await tab.keyboard.press("Escape")
            return
        await self._do(tab, "filter", label, options.nth(self.dice.choice(others)).click())
