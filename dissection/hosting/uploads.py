"""What visitors send: bounded before it is read, for each of them and for all together."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from dissection.hosting.answers import App, Message, Receive, Scope, Send, header, refuse
from dissection.logs import event

MEGABYTE: Final = 1024 * 1024  # as Streamlit counts uploads
# A file comes in a form, whose frame takes room too: as much as Streamlit grants it.
FRAME_BYTES: Final = 1_000_000
# Whatever else is sent to the server is a few numbers and words.
MOST_OTHER_BYTES: Final = 1_000_000
FILES_EACH: Final = 2  # largest uploads that a visitor may hold
# After which an upload of which nothing comes any more gives its place back.
STALLED_SECONDS: Final = 60.0

READ_ONLY: Final = "This server shows a dataset and takes no files."
_PATH: Final = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?")


class Bounds(NamedTuple):
    """How much may be held, in bytes.

    Attributes:
        largest: of one file.
        total: of all files of all visitors, those on their way included.
    """

    largest: int
    total: int


class Uploads:
    """Refuses what is too much before its body is read.

    Args:
        app: what is behind.
        bounds: None: no file is taken at all.
        held: gives the bytes of the files that are kept of a session, or of all of them for None.
    """

    def __init__(self, app: App, bounds: Bounds | None, held: Callable[[str | None], int]) -> None:
        self._app, self._bounds, self._held = app, bounds, held
        self._coming: Counter[str] = Counter()  # session → bytes on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = _PATH.search(scope["path"])
        size = _length(scope)
        if scope["method"] not in ("PUT", "POST") or not upload:
            if size is not None and size > MOST_OTHER_BYTES:
                await refuse(scope, receive, send, 413, "The request is too large.")
            else:
                await self._app(scope, _bounded(receive, MOST_OTHER_BYTES), send)
            return
        session = upload[1]
        if refusal := self._refusal(session, size):
            event("upload refused", bytes=size, status=refusal[0])
            await refuse(scope, receive, send, *refusal)
            return
        size = self._most() if size is None else size
        with self._on_its_way(session, size):
            await self._app(scope, _bounded(receive, size), _told(send, size))

    def _most(self) -> int:
        return self._bounds.largest + FRAME_BYTES if self._bounds else 0

    def _refusal(self, session: str, size: int | None) -> tuple[int, str] | None:
        """Status and words for an upload that is not taken; one of unknown size counts as the largest."""
        if self._bounds is None:
            return 403, READ_ONLY
        most = self._most()
        size = most if size is None else size
        if size > most:
            return 413, f"The file is larger than {self._bounds.largest / MEGABYTE:,.0f} MB, which is the most that this server takes."
        if self._held(session) + self._coming[session] + size > FILES_EACH * most:
            return 413, "Your files are too large together. Remove one from the page, and choose this one again."
        if self._held(None) + self._coming.total() + size > self._bounds.total:
            return 507, "This server holds as many files as it has room for. Please try again in a few minutes."
        return None

    @contextlib.contextmanager
    def _on_its_way(self, session: str, size: int) -> Iterator[None]:
        self._coming[session] += size
        try:
            yield
        finally:
            self._coming[session] -= size
            if not self._coming[session]:
                del self._coming[session]


def _length(scope: Scope) -> int | None:
    """What the request says of its size. What is no number, HTTP's own parser has refused before."""
    words = header(scope, b"content-length")
    return int(words) if words is not None and words.isdigit() else None


def _bounded(receive: Receive, most: int) -> Receive:
    """The request as long as it still comes and is not larger than it may be; then its sender counts as gone."""
    seen, whole = 0, False

    async def bounded() -> Message:
        nonlocal seen, whole
        if whole:  # what comes now is the news that the visitor has gone
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), STALLED_SECONDS)
        except TimeoutError:
            return {"type": "http.disconnect"}
        seen += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        return message if seen <= most else {"type": "http.disconnect"}

    return bounded


def _told(send: Send, size: int) -> Send:
    """Says in the log what became of an upload."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            taken = message["status"] < 300
            event("upload taken" if taken else "upload refused", bytes=size, status=message["status"])
        await send(message)

    return told
