"""ASGI's types, and answers in plain words that the server gives by itself."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

_RESPONSE = "websocket.http.response"
# Of what a refused request still sends: a client that could not send on at all would not read the answer.
DRAINED_BYTES: Final = 10_000_000
DRAINED_SECONDS: Final = 5.0


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of a name in lower case; None where there is none."""
    return next((value for key, value in scope["headers"] if key.lower() == name), None)


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, words: str, more: Headers = ()) -> None:
    """Answer a request, or a web socket that is not yet accepted, with a status and words; a little of its body is thrown away."""
    kind = "http.response"
    if scope["type"] == "websocket":
        if _RESPONSE not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1013, "reason": words[:120]})  # RFC 6455: 123 bytes at most
            return
        kind = _RESPONSE
    body = f"{words}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # the rest of an upload is not read
        *more,
    ]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body, "more_body": True})
    if scope["type"] == "http":
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_drained(receive), DRAINED_SECONDS)
    await send({"type": f"{kind}.body", "body": b""})


async def _drained(receive: Receive) -> None:
    seen, more = 0, True
    while more and seen < DRAINED_BYTES:
        message = await receive()
        seen += len(message.get("body", b""))
        more = message.get("more_body", False)
