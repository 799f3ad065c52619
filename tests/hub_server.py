"""A small server that speaks what huggingface_hub 2.4 asks of the Hub, with everything that can go wrong.

Small files come from the Hub itself; Parquet and .gz come from a second address, as large files do from the real one.
"""

import hashlib
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.hub_commits import accept

LARGE = (".parquet", ".gz")


@dataclass
class Repo:
    """Files of a dataset by revision, and who may have them."""

    revisions: dict[str, dict[str, bytes]]
    gated: bool = False
    private: bool = False
    card: dict[str, Any] | None = None

    def commit(self, revision: str) -> str | None:
        for name, files in self.revisions.items():
            content = repr((name, sorted((path, hashlib.sha1(body).hexdigest()) for path, body in files.items())))
            commit = hashlib.sha1(content.encode()).hexdigest()
            if revision in (name, commit):
                return commit
        return None

    def files(self, revision: str) -> dict[str, bytes]:
        commit = self.commit(revision)
        return next(files for name, files in self.revisions.items() if self.commit(name) == commit)


@dataclass
class Fault:
    """What the next requests that fit get instead of an answer.

    Attributes:
        where: a pattern of "METHOD /path".
        status: of the answer; 0: the usual answer.
        headers: beside the usual ones.
        body: of the answer.
        times: how often.
        cut: close the connection after as many bytes of the body.
        reset: close it by a reset instead of in good order.
        delay: seconds before the answer.
    """

    where: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    times: int = 1000
    cut: int | None = None
    reset: bool = False
    delay: float = 0


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    sent: int = 0


class HubServer:
    """`with HubServer() as hub:`; `hub.url` is for HF_ENDPOINT."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.tokens: set[str] = set()
        self.members: set[str] = set()
        self.writers: set[str] = set()
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.blobs: dict[str, bytes] = {}
        self.hub = self._serve()
        self.cdn = self._serve()
        self.url = f"http://127.0.0.1:{self.hub.server_port}"
        self.cdn_url = f"http://127.0.0.1:{self.cdn.server_port}"

    def _serve(self) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"hub": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def __enter__(self) -> "HubServer":
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.hub, self.cdn):
            server.shutdown()
            server.server_close()

    def add(self, name: str, files: dict[str, bytes], **options: Any) -> Repo:
        self.repos[name] = Repo({"main": files}, **options)
        return self.repos[name]

    def bodies(self) -> list[Asked]:
        """The requests that got a part of a file."""
        return [asked for asked in self.asked if asked.method == "GET" and not asked.path.startswith("/api/")]


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        sent = self._sent()
        self.asked = Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()})
        self.hub.asked.append(self.asked)
        self.fault = next(
            (fault for fault in self.hub.faults if fault.times > 0 and re.search(fault.where, f"{self.command} {self.path}")), None
        )
        if self.fault is not None:
            self.fault.times -= 1
            time.sleep(self.fault.delay)
            if self.fault.status:
                self._send(self.fault.status, self.fault.body, self.fault.headers)
                return
        path = urlsplit(self.path).path
        if self.command in ("POST", "PUT"):
            token = self.asked.headers.get("authorization", "").removeprefix("Bearer ")
            status, answer = accept(self.hub, path, token, sent)
            self._send(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})
        elif path.startswith("/blob/"):
            self._body(self.hub.blobs[path.rpartition("/")[2]], {})
        elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._info(match[1], unquote(match[2] or "main"))
        elif match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(match[1], unquote(match[2]), unquote(match[3]))
        else:
            self._send(404, b"{}", {})

    def _sent(self) -> bytes:
        """The request's body, in one piece or in several."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _repo(self, name: str) -> Repo | None:
        """The repository, or None after the answer that the Hub gives to those who may not see it."""
        repo = self.hub.repos.get(name)
        token = self.asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.hub.tokens:
            self._send(401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"})
            return None
        if repo is None or (repo.private and token not in self.hub.members):
            self._send(404 if token else 401, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return None
        return repo

    def _info(self, name: str, revision: str) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        commit = repo.commit(revision)
        if commit is None:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": f"Invalid rev id: {revision}"})
            return
        siblings = [
            {"rfilename": path, "size": len(body), "blobId": hashlib.sha1(body).hexdigest()} for path, body in repo.files(revision).items()
        ]
        info = {"id": name, "sha": commit, "private": repo.private, "gated": "auto" if repo.gated else False, "siblings": siblings}
        self._send(
            200, json.dumps({**info, **({"cardData": repo.card} if repo.card else {})}).encode(), {"Content-Type": "application/json"}
        )

    def _resolve(self, name: str, revision: str, path: str) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        token = self.asked.headers.get("authorization", "").removeprefix("Bearer ")
        if repo.gated and token not in self.hub.members:
            self._send(
                403 if token else 401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this dataset is restricted"}
            )
            return
        commit = repo.commit(revision)
        if commit is None:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        body = repo.files(revision).get(path)
        if body is None:
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        etag = hashlib.sha256(body).hexdigest()
        if path.endswith(LARGE):
            self.hub.blobs[etag] = body
            linked = {"X-Linked-Size": str(len(body)), "X-Linked-Etag": f'"{etag}"', "X-Repo-Commit": commit}
            self._send(302, b"", {**linked, "Location": f"{self.hub.cdn_url}/blob/{etag}"})
        else:
            self._body(body, {"ETag": f'"{etag}"', "X-Repo-Commit": commit})

    def _body(self, body: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        ranged = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if asked else {}
        self._send(206 if asked else 200, body[start:], {**headers, **ranged, "Accept-Ranges": "bytes"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.fault.cut if self.fault is not None else None
        self.wfile.write(body[:cut])
        self.asked.sent = len(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True
            if self.fault is not None and self.fault.reset:
                # Without lingering, closing sends a reset instead of the end of the stream.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
