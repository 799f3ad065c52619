"""So many open pages at the same time, and no more."""

from typing import Final

from dissection.hosting.answers import App, Receive, Scope, Send, header, refuse
from dissection.logs import event

FULL: Final = "As many visitors are here as this server has room for. Please try again in a minute."
_RETRY: Final = ((b"retry-after", b"60"),)


class Visitors:
    """Each open page has one web socket; those beyond `most` are refused with 503, and so is the page that would open one."""

    def __init__(self, app: App, most: int) -> None:
        self._app, self._most = app, most
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http" and self._open >= self._most and _is_page(scope):
            await refuse(scope, receive, send, 503, FULL, _RETRY)
        else:
            await self._app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open >= self._most:
            await receive()  # its handshake
            event("visitor refused", open=self._open)
            await refuse(scope, receive, send, 503, FULL, _RETRY)
            return
        self._open += 1
        event("session opened", open=self._open)
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            event("session closed", open=self._open)


def _is_page(scope: Scope) -> bool:
    """Whether a browser asks for something to show in a tab, and not for a part of a page that is open."""
    return scope["method"] == "GET" and "/_stcore/" not in scope["path"] and b"text/html" in (header(scope, b"accept") or b"")
