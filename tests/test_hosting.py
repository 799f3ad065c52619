"""The layers around the server: who is let in, and how much of what they send."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from dissection.hosting import uploads
from dissection.hosting.answers import Message, Receive, Scope, Send
from dissection.hosting.headers import ADDED, Headers
from dissection.hosting.uploads import FRAME_BYTES, Bounds, Uploads
from dissection.hosting.visitors import FULL, Visitors
from tests.conftest import ended

LARGEST = 5_000_000
BOUNDS = Bounds(LARGEST, 4 * LARGEST)


def http(path: str, method: str = "GET", **headers: str) -> Scope:
    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "method": method, "headers": names}


def upload(session: str = "s", size: int | None = 100) -> Scope:
    return http(f"/tools/_stcore/upload_file/{session}/f", "PUT", **({} if size is None else {"content_length": str(size)}))


class Server:
    """What is behind the layers: reads whole bodies and answers 204; or waits, where it is told to."""

    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.read: list[int] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await self.go_on.wait()
            return
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.read.append(-1)
                return
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.read.append(size)
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"referrer-policy", b"own")]})
        await send({"type": "http.response.body", "body": b""})


async def ask(app: Any, scope: Scope, pieces: Sequence[int] = (0,)) -> list[Message]:
    """What the app answers to a body in pieces of some sizes."""
    incoming = [{"type": "http.request", "body": b"x" * size, "more_body": n + 1 < len(pieces)} for n, size in enumerate(pieces)]
    incoming = [{"type": "websocket.connect"}] if scope["type"] == "websocket" else incoming
    answers: list[Message] = []

    async def receive() -> Message:
        if not incoming:
            await asyncio.sleep(3600)
        return incoming.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    await app(scope, receive, send)
    return answers


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return ended(asyncio.wait_for(work, 30))


def status(answers: Sequence[Message]) -> int:
    return int(answers[0]["status"])


def words(answers: Sequence[Message]) -> str:
    return bytes(answers[1]["body"]).decode()


# --- Visitors ----------------------------------------------------------------------------------------------------------------------


async def visits() -> None:
    server = Server()
    server.go_on.clear()
    app = Visitors(server, most=2)
    socket: Scope = {"type": "websocket", "path": "/_stcore/stream", "headers": [], "extensions": {"websocket.http.response": {}}}
    open_ones = [asyncio.create_task(ask(app, socket)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    refused = await ask(app, socket)
    assert refused[0]["type"] == "websocket.http.response.start"
    assert status(refused) == 503
    assert FULL in words(refused)
    (closed,) = await ask(app, {**socket, "extensions": {}})
    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)
    assert len(closed["reason"].encode()) <= 123
    page = await ask(app, http("/dissect", accept="text/html,*/*"))
    assert status(page) == 503
    assert FULL in words(page)
    assert (b"retry-after", b"60") in page[0]["headers"]
    server.go_on.set()
    assert status(await ask(app, http("/static/main.js", accept="*/*"))) == 204, "pages that are open load what they need"
    assert status(await ask(app, http("/_stcore/health", accept="text/html"))) == 204
    await asyncio.gather(*open_ones)
    assert (await ask(app, socket))[0]["type"] == "websocket.accept", "places come back"
    assert status(await ask(app, http("/dissect", accept="text/html"))) == 204


def test_so_many_visitors_and_no_more() -> None:
    run(visits())


def test_a_visit_that_fails_gives_its_place_back() -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError

    app = Visitors(fails, most=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            run(ask(app, {"type": "websocket", "path": "/", "headers": []}))


# --- Uploads -----------------------------------------------------------------------------------------------------------------------


def test_an_upload_goes_through_and_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "dissection.logs")
    server = Server()
    app = Uploads(server, BOUNDS, lambda _: 0)
    assert status(run(ask(app, upload(size=300), [100, 200]))) == 204
    assert server.read == [300]
    server.status = 400
    assert status(run(ask(app, upload(size=300), [300]))) == 400
    assert [(record.msg, record.facts) for record in caplog.records] == [
        ("upload taken", {"bytes": 300, "status": 204}),
        ("upload refused", {"bytes": 300, "status": 400}),
    ]


@pytest.mark.parametrize(
    ("size", "held", "expected", "said"),
    [
        (LARGEST + FRAME_BYTES, {}, 204, ""),
        (LARGEST + FRAME_BYTES + 1, {}, 413, "larger than 5 MB"),
        (100, {"s": 2 * (LARGEST + FRAME_BYTES) - 100}, 204, ""),
        (101, {"s": 2 * (LARGEST + FRAME_BYTES) - 100}, 413, "Remove one"),
        (101, {"t": 2 * (LARGEST + FRAME_BYTES) - 100}, 204, ""),
        (100, {"t": LARGEST * 4 - 100}, 204, ""),
        (101, {"t": LARGEST * 4 - 100}, 507, "try again in a few minutes"),
        (None, {"t": LARGEST * 3 - FRAME_BYTES}, 204, ""),
        (None, {"t": LARGEST * 3 - FRAME_BYTES + 1}, 507, "try again"),
    ],
)
def test_too_much_is_refused_before_it_is_read(size: int | None, held: dict[str, int], expected: int, said: str) -> None:
    server = Server()
    app = Uploads(server, BOUNDS, lambda session: sum(held.values()) if session is None else held.get(session, 0))
    answers = run(ask(app, upload(size=size), [10]))
    assert status(answers) == expected
    if expected != 204:
        assert said in words(answers)
        assert (b"connection", b"close") in answers[0]["headers"]
        assert not server.read, "the app behind sees nothing of it"


async def at_the_same_time() -> list[int]:
    server = Server()
    server.go_on.clear()
    app = Uploads(server, BOUNDS, lambda _: 0)
    first = [asyncio.create_task(ask(app, upload("s", LARGEST), [LARGEST])) for _ in range(2)]
    first += [asyncio.create_task(ask(app, upload("t", LARGEST), [LARGEST]))]
    await asyncio.sleep(0.01)
    found = [status(await ask(app, upload("s", 2_100_000), [1])), status(await ask(app, upload("u", LARGEST + 1), [1]))]
    server.go_on.set()
    await asyncio.gather(*first)
    return [*found, status(await ask(app, upload("s", LARGEST), [1]))]


def test_uploads_on_their_way_count() -> None:
    assert run(at_the_same_time()) == [413, 507, 204]


def test_a_body_of_unknown_size_ends_at_the_largest() -> None:
    server = Server()
    assert run(ask(Uploads(server, BOUNDS, lambda _: 0), upload(size=None), [LARGEST, FRAME_BYTES, 1])) == []
    assert server.read == [-1], "its sender counts as gone"


def test_an_upload_that_stalls_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "STALLED_SECONDS", 0.01)
    server = Server()
    stalled = Uploads(server, BOUNDS, lambda _: 0)

    async def stalls() -> list[Message]:
        answers: list[Message] = []

        async def send(message: Message) -> None:
            answers.append(message)

        async def receive() -> Message:
            await asyncio.sleep(3600)
            raise AssertionError

        await stalled(upload(size=LARGEST), receive, send)
        return answers

    assert run(stalls()) == []
    assert server.read == [-1]
    assert not stalled._coming


def test_other_requests_are_small() -> None:
    server = Server()
    app = Uploads(server, BOUNDS, lambda _: 0)
    assert status(run(ask(app, http("/_stcore/other", "POST", content_length="1000001")))) == 413
    assert not server.read
    assert run(ask(app, http("/_stcore/other", "POST"), [1_000_000, 1])) == []
    assert status(run(ask(app, http("/_stcore/upload_file/s/f", "DELETE")))) == 204


def test_a_server_that_only_shows_takes_no_file() -> None:
    server = Server()
    answers = run(ask(Uploads(server, None, lambda _: 0), upload(), [100]))
    assert status(answers) == 403
    assert "takes no files" in words(answers)
    assert not server.read


# --- Headers -----------------------------------------------------------------------------------------------------------------------


def test_headers_are_added_where_they_are_not() -> None:
    found = dict(run(ask(Headers(Server()), http("/")))[0]["headers"])
    assert found == {**dict(ADDED), b"referrer-policy": b"own"}
    policy = found[b"content-security-policy"].decode()
    assert "default-src 'self'" in policy
    assert "http" not in policy, "no other host"
