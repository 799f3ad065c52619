"""A server that can be killed, a visitor that speaks Streamlit's own protocol to it, and a disk that is full."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.sync.client import connect

from tests.browser import ROOT, free_port

PATIENCE = 60.0


def until(true: Callable[[], Any], what: str = "nothing came of it", seconds: float = PATIENCE) -> Any:
    """Waits for something to be true, and gives it."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


class Crowd:
    """How many threads are in its block: `present` now, and `most` at any time."""

    def __init__(self) -> None:
        self.present, self.most, self._lock = 0, 0, threading.Lock()

    def __enter__(self) -> "Crowd":
        with self._lock:
            self.present += 1
            self.most = max(self.most, self.present)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.present -= 1


def children(pid: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return [*found, *(below for child in found for below in children(child))]


def lives(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Server:
    """The app as it is hosted, in a process of its own: `start`, `kill` and `start` again, on the same folders.

    Args:
        folder: where its log, its temporary files and its home are.
        environ: its settings beside DISSECTION_CACHE, which is `folder / "cache"` where it is not among them.

    Attributes:
        command: that starts it.
    """

    def __init__(self, folder: Path, **environ: str) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}{environ.get('DISSECTION_BASE_PATH', '')}"
        self.temporary, self.cache = folder / "tmp", folder / "cache"
        self.log = folder / "log.txt"
        self.temporary.mkdir()
        # As on a Space: uploads need no cookie, and tokens of this machine are not for visitors.
        own = {"SPACE_ID": "owner/name", "DISSECTION_PORT": str(self.port), "TMPDIR": str(self.temporary), "HOME": str(folder)}
        dropped = ("STREAMLIT", "HF_TOKEN", "PYTEST")
        known = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        self.environ = {**known, **own, "DISSECTION_CACHE": str(self.cache), **environ}
        self.command = [sys.executable, "-m", "dissection.serve"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environ, stdout=log, stderr=subprocess.STDOUT)
        until(self.is_healthy, "the server did not start")
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def is_healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        return self.status("_stcore/health") == 200

    def status(self, path: str, method: str = "GET", data: bytes | None = None, headers: Mapping[str, str] | None = None) -> int:
        request = urllib.request.Request(f"{self.address}/{path}", data, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def kill(self) -> list[int]:
        """As if the power went; gives the processes that it had started."""
        assert self.process is not None
        had = children(self.pid)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return had

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def handles(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def connections(self) -> int:
        """How many are open to its port."""
        lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        return sum(line[1].endswith(f":{self.port:04X}") and line[3] == "01" for line in lines)

    def megabytes(self) -> float:
        words = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in words.splitlines() if line.startswith("VmRSS"))) / 1000


@contextlib.contextmanager
def serving(folder: Path, **environ: str) -> Iterator[Server]:
    """A server that has been started, and is gone after the test."""
    server = Server(folder, **environ)
    try:
        yield server.start()
    finally:
        server.stop()


class Tab:
    """One open page: `with Tab(server, "dissect", group="Code") as tab:`. It is drawn when this returns, unless `wait` is false.

    Attributes:
        texts: what the page says, of the last run.
        widgets: kind and label → id, of the last run.
    """

    def __init__(self, server: Server, page: str = "", *, wait: bool = True, **query: str) -> None:
        self.server = server
        self.page, self.query = page, urlencode(query)
        self.session = ""
        self.texts: dict[tuple[int, ...], str] = {}
        self.widgets: dict[tuple[str, str], str] = {}
        self.values: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []
        self._open = contextlib.ExitStack()
        address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
        self._socket = self._open.enter_context(connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None))
        self.rerun()
        if wait:
            self.settle()

    def __enter__(self) -> "Tab":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._open.close()

    def rerun(self, **trigger: Any) -> None:
        """Ask for the page with every widget as it is; `trigger`: id → what is done now, as in `trigger_value=True`."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = self.page
        for name, value in {**self.values, **trigger}.items():
            state = message.rerun_script.widget_states.widgets.add()
            state.id = name
            for field, content in value.items():
                held = getattr(state, field)
                if hasattr(held, "data"):
                    held.data.extend(content)
                elif hasattr(held, "CopyFrom"):
                    held.CopyFrom(content)
                else:
                    setattr(state, field, content)
        self._send(message)

    def _send(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())

    def press(self, label: str) -> "Tab":
        """Press a button and wait for the page."""
        name = next(name for (kind, told), name in self.widgets.items() if kind == "button" and label in told)
        self.rerun(**{name: {"trigger_value": True}})
        return self.settle()

    def choose(self, label: str, **value: Any) -> None:
        """Give a widget a value, as in `string_value="x"`, without waiting."""
        name = next(name for (_, told), name in self.widgets.items() if told == label)
        self.values[name] = value
        self.rerun()

    def until(self, words: str, seconds: float = PATIENCE) -> "Tab":
        """Ask for the page until it says something."""
        end = time.monotonic() + seconds
        while words not in self.said():
            assert time.monotonic() < end, f"{words!r} is not said: {self.said()[:2000]}"
            time.sleep(0.1)
            self.rerun()
            self.settle()
        return self

    def settle(self) -> "Tab":
        """Read until a run of the whole page has come to its end."""
        for message in self.messages(PATIENCE):
            if message.WhichOneof("type") == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return self
        raise AssertionError("the page was not drawn")

    def messages(self, seconds: float) -> Iterator[ForwardMsg]:
        """What comes within the time, taken note of."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                content = self._socket.recv(timeout=left)
            except TimeoutError:
                return
            assert isinstance(content, bytes)
            message = ForwardMsg.FromString(content)
            self._note(message)
            yield message

    def _note(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
            self.texts = {}
            self.widgets = {}
        if kind != "delta" or message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        name = element.WhichOneof("type") or ""
        inner = getattr(element, name, None)
        place = tuple(message.metadata.delta_path)
        if name == "exception":
            self.faults.append(f"{inner.type}: {inner.message}")  # type: ignore[union-attr]
        words = str(getattr(inner, "body", "") or getattr(inner, "text", ""))
        self.texts[place] = "" if words.startswith("<style>") else words
        if getattr(inner, "id", "") and hasattr(inner, "label"):
            self.widgets[name, inner.label] = inner.id  # type: ignore[union-attr]

    def said(self) -> str:
        return "\n".join(self.texts.values()).replace("\\", "")

    def upload_path(self) -> str:
        """Where a file of this page may be sent to."""
        message = BackMsg()
        message.file_urls_request.request_id = "files"
        message.file_urls_request.file_names.append("pairs.jsonl")
        message.file_urls_request.session_id = self.session
        self._send(message)
        for answer in self.messages(PATIENCE):
            if answer.WhichOneof("type") == "file_urls_response":
                return answer.file_urls_response.file_urls[0].upload_url.lstrip("/")
        raise AssertionError("no place for a file")


def multipart(content: bytes, name: str = "pairs.jsonl") -> tuple[bytes, dict[str, str]]:
    """The body of an upload, and its headers."""
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/json\r\n\r\n'
    body = head.encode() + content + b"\r\n--edge--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=edge"}


def full(*_: object, **__: object) -> Any:
    """What stands in for a write on a disk that has no room."""
    raise OSError(errno.ENOSPC, "No space left on device")


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes through /proc, which is not there")
