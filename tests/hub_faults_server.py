"""A Hub from which large files come slowly, or stop coming until they are let go on: for what is seen while a download is under way."""

import threading
from http.server import ThreadingHTTPServer
from typing import Any

from tests import hub_server

PIECE = 20_000


class SlowHubServer(hub_server.HubServer):
    """`hub.stop_at(bytes)` holds every file there until `hub.go_on()`; `hub.pause` is the time between two pieces, in seconds."""

    def __init__(self) -> None:
        self.pause = 0.0
        self.held_at: int | None = None
        self.going = threading.Event()
        self.gone = threading.Event()
        super().__init__()

    def _serve(self) -> ThreadingHTTPServer:
        server = super()._serve()
        # The class of the other servers' answers, with a slower hand.
        server.RequestHandlerClass = type("SlowHandler", (_Slow, server.RequestHandlerClass), {})
        return server

    def stop_at(self, count: int) -> None:
        """Send as many bytes of each file, and then none."""
        self.held_at = count
        self.going.clear()

    def go_on(self) -> None:
        """Send the rest."""
        self.held_at = None
        self.going.set()


class _Slow:
    hub: SlowHubServer
    wfile: Any
    path: str

    def setup(self) -> None:
        super().setup()  # type: ignore[misc]
        self.wfile = _Trickle(self)


class _Trickle:
    """Writes what belongs to a large file piece by piece."""

    def __init__(self, handler: _Slow) -> None:
        self.handler = handler
        self.to = handler.wfile

    def write(self, content: bytes) -> int:
        hub = self.handler.hub
        if not self.handler.path.startswith("/blob/") or content.startswith(b"HTTP/"):
            return int(self.to.write(content))
        for start in range(0, len(content), PIECE):
            if hub.held_at is not None and start >= hub.held_at:
                hub.going.wait(30)
            if hub.pause:
                threading.Event().wait(hub.pause)
            try:
                self.to.write(content[start : start + PIECE])
                self.to.flush()
            except OSError:
                hub.gone.set()
                break
        return len(content)

    def flush(self) -> None:
        self.to.flush()

    def close(self) -> None:
        self.to.close()

    @property
    def closed(self) -> bool:
        return bool(self.to.closed)
