"""A proxy as it stands in front of a hosted server: it passes bytes on, and closes a connection on which nothing has passed for a while."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PIECE = 65_536
LOOK_SECONDS = 0.1


class IdleProxy:
    """Use it by `idle_proxy`.

    Args:
        target: the port of the server behind.
        seconds: of silence, after which a connection is closed.

    Attributes:
        port: its own.
        sockets: web sockets that were opened.
        cut: web sockets that were closed because of silence.
    """

    def __init__(self, target: int, seconds: float) -> None:
        self.port = self.sockets = self.cut = 0
        self._target, self._seconds = target, seconds
        self._connections: set[asyncio.Task[None]] = set()
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()

    async def serve(self) -> None:
        """Until `stop`."""
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self._over.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def stop(self) -> None:
        """From another thread."""
        if self._loop and self._over:
            self._loop.call_soon_threadsafe(self._over.set)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._pass_on(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", self._target)
        clock = asyncio.get_running_loop().time
        heard, is_socket = clock(), False

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            nonlocal heard, is_socket
            while data := await source.read(PIECE):
                heard = clock()
                if source is reader and b"\r\nupgrade: websocket\r\n" in data.lower():
                    is_socket = True
                    self.sockets += 1
                sink.write(data)
                await sink.drain()

        pumps = [asyncio.create_task(pump(reader, to_there)), asyncio.create_task(pump(there, writer))]
        try:
            while not (await asyncio.wait(pumps, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
                if clock() - heard > self._seconds:
                    self.cut += is_socket
                    return
        finally:
            for one in pumps:
                one.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for sink in (writer, to_there):
                sink.close()


@contextmanager
def idle_proxy(target: int, seconds: float) -> Iterator[IdleProxy]:
    """A proxy in a thread of its own; see `IdleProxy`."""
    proxy = IdleProxy(target, seconds)
    thread = threading.Thread(target=asyncio.run, args=(proxy.serve(),), daemon=True)
    thread.start()
    assert proxy.ready.wait(10)
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join(10)
