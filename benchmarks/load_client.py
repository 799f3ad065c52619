"""A visitor's page without a browser: a web socket that speaks Streamlit's protocol as its frontend does (version 1.67)."""

import asyncio
import contextlib
import time
from collections import deque
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.load_page import Contents, LoadError
from benchmarks.load_widgets import Widget

HEARD: Final = 16
PATIENCE: Final = 90.0  # seconds, after which a rerun counts as never finished
MOST_BYTES: Final = 200_000_000


class Page(Contents):
    """One open tab: `open` connects it; `turn_to`, `choose`, `click`, `give` and `again` each wait until the script has finished.

    Attributes:
        address: of the server.
        received: bytes.
        reruns: of fragments that asked by the clock: when each asked, on `time.perf_counter`, and seconds until it had run.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address.rstrip("/")
        self.received = 0
        self.reruns: list[tuple[float, float]] = []
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, float] = {}
        self._files: dict[str, asyncio.Future[list[Any]]] = {}
        self._heard: deque[str] = deque(maxlen=HEARD)  # for the report of a script that does not finish
        self._began = False
        self._over: asyncio.Future[None] | None = None
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self, path: str = "") -> float:
        """Connect and draw a page; seconds from the request of a connection to the end of the script."""
        begun = time.perf_counter()
        parts = urlsplit(self.address)
        where = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        origin: Any = f"{parts.scheme}://{parts.netloc}"
        # Places two and three, of a token and of a session to come back to, stay empty for a new visitor.
        self._socket = await connect(where, subprotocols=["streamlit"], origin=origin, max_size=MOST_BYTES, ping_interval=None)  # type: ignore[list-item]
        self._reader = asyncio.create_task(self._read(self._socket))
        await self._rerun(page_name=path)
        return time.perf_counter() - begun

    async def close(self) -> None:
        """Close the tab."""
        self._stop_timers()
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._socket:
            await self._socket.close()

    async def turn_to(self, title: str) -> float:
        """Follow a link of the navigation; seconds."""
        self._stop_timers()
        self.leave()
        return await self._rerun(page_script_hash=self.pages[title])

    async def choose(self, widget: Widget, *values: str) -> float:
        """Give a widget another value and wait for the page; seconds."""
        return await self.give(widget.state(values))

    async def give(self, state: WidgetState) -> float:
        """Give a widget a value that is made elsewhere; seconds."""
        self.states[state.id] = state
        return await self.again()

    async def click(self, widget: Widget) -> float:
        """Press a button; seconds."""
        return await self.again(WidgetState(id=widget.id, trigger_value=True))

    async def again(self, *triggers: WidgetState) -> float:
        """Draw the page as it is; seconds."""
        return await self._rerun(*triggers, page_script_hash=self.page)

    async def file_urls(self, name: str) -> Any:
        """Where a file may be put, as the server says."""
        message, request = BackMsg(), uuid4().hex
        message.file_urls_request.request_id = request
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session_id
        self._files[request] = asyncio.get_running_loop().create_future()
        await self._send(message)
        return (await asyncio.wait_for(self._files[request], PATIENCE))[0]

    async def _rerun(self, *triggers: WidgetState, **where: str) -> float:
        """Ask for a run of the whole script and wait for its end; seconds."""
        begun = time.perf_counter()
        self._began, self._over = False, asyncio.get_running_loop().create_future()
        await self._ask(*triggers, **where)
        try:
            await asyncio.wait_for(self._over, PATIENCE)
        except TimeoutError:
            raise LoadError(f"the script did not finish in {PATIENCE:.0f} s; last: {'; '.join(self._heard)}") from None
        return time.perf_counter() - begun

    async def _ask(self, *triggers: WidgetState, **fields: Any) -> None:
        self._note(f"asked for {fields.get('fragment_id', 'all')[:6]}")
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self.query
        state.widget_states.widgets.extend([*self.states.values(), *triggers])
        state.cached_message_hashes.extend(self.hashes())
        state.context_info.url, state.context_info.timezone, state.context_info.locale = self.address, "UTC", "en-US"
        for name, value in fields.items():
            setattr(state, name, value)
        await self._send(message)

    async def _send(self, message: BackMsg) -> None:
        if self._socket is None:
            raise LoadError("the page is not open")
        await self._socket.send(message.SerializeToString())

    async def _read(self, socket: ClientConnection) -> None:
        fault: Exception = LoadError("the server closed the connection")
        try:
            async for data in socket:
                self.received += len(data)
                self.take(ForwardMsg.FromString(data))
        except Exception as error:  # noqa: BLE001 - whatever it is ends the page, and is counted
            fault = LoadError(f"the connection failed: {type(error).__name__}: {error}")
        if self._over and not self._over.done():
            self._over.set_exception(fault)
        else:
            self.errors.append(("connection", str(fault)))

    def _note(self, words: str) -> None:
        self._heard.append(f"{time.monotonic() % 1000:.2f} {words}")

    def _take_new_session(self, message: ForwardMsg) -> None:
        super()._take_new_session(message)
        fragments = message.metadata.run.fragment_ids
        self._note(f"began {[name[:6] for name in fragments] or 'all'}")
        if not fragments:
            self._stop_timers()
            self._began = True

    def _take_script_finished(self, message: ForwardMsg) -> None:
        super()._take_script_finished(message)
        fragments = message.metadata.run.fragment_ids
        self._note(f"ended {[name[:6] for name in fragments] or 'all'} with {message.script_finished}")
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        for fragment in set(fragments) & set(self._asked):
            asked = self._asked.pop(fragment)
            self.reruns.append((asked, time.perf_counter() - asked))
        if not fragments and self._began and self._over and not self._over.done():
            self._over.set_result(None)

    def _take_file_urls_response(self, message: ForwardMsg) -> None:
        self._files.pop(message.file_urls_response.response_id).set_result(list(message.file_urls_response.file_urls))

    def _take_auto_rerun(self, message: ForwardMsg) -> None:
        fragment = message.auto_rerun.fragment_id
        if fragment not in self._timers:
            self._timers[fragment] = asyncio.create_task(self._by_the_clock(fragment, message.auto_rerun.interval))

    def _take_stop_auto_rerun(self, message: ForwardMsg) -> None:
        for fragment in message.stop_auto_rerun.fragment_ids:
            if timer := self._timers.pop(fragment, None):
                timer.cancel()

    async def _by_the_clock(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self._asked.setdefault(fragment, time.perf_counter())
            await self._ask(page_script_hash=self.page, fragment_id=fragment, is_auto_rerun=True)

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._asked.clear()
