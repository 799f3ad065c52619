"""A model's endpoint as tests see it: a local server that speaks the chat protocol, with judges of planted taste behind it, and with faults."""

import hashlib
import json
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Body = dict[str, Any]
Fault = str | None
Mind = Callable[[Body], str | Mapping[str, float]]

MARK = re.compile(r"<<(\w+)>>")


def tagged(body: Body, tag: str) -> str:
    """What stands in a tag of the last message of the user."""
    found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", body["messages"][-1]["content"], re.DOTALL)
    assert found, f"the prompt has no {tag}"
    return found[1]


def log_odds(text: str, taste: Mapping[str, float]) -> float:
    return sum(taste.get(name, 0.0) for name in MARK.findall(text))


def draw(body: Body) -> float:
    """A number in [0, 1) that is the same for the same question."""
    return int(hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:12], 16) / 16**12


@dataclass
class PlantedJudge:
    """Prefers answers by the marks in their texts, <<polite>>, and what is shown first by `bias`; all in log-odds.

    With `sampled`, it says the letter that it draws; else it gives the probabilities of both.
    """

    taste: Mapping[str, float]
    bias: float = 0.0
    sampled: bool = False

    def __call__(self, body: Body) -> str | Mapping[str, float]:
        odds = log_odds(tagged(body, "answer_a"), self.taste) - log_odds(tagged(body, "answer_b"), self.taste) + self.bias
        first = 1 / (1 + math.exp(-odds))
        if not self.sampled:
            return {"A": first, "B": 1 - first}
        return f"It is better in what matters. [[{'A' if draw(body) < first else 'B'}]]"


@dataclass
class PlantedGrader:
    """Grades an answer from 1 to 5: 3 and its taste, rounded."""

    taste: Mapping[str, float]

    def __call__(self, body: Body) -> str:
        return json.dumps({"reason": "points", "score": max(1, min(5, round(3 + log_odds(tagged(body, "answer"), self.taste))))})


@dataclass
class ChatServer:
    """`with ChatServer(mind) as server:` - `mind` says a text, or probabilities of first tokens.

    Attributes:
        faults: taken one by one, a request each: see `_Handler.fail`; None: none for that request. When they are used up, all is well.
        always: a fault for every request.
        offers: of "logprobs", "top20", "schema", "max_tokens", "temperature": what the endpoint takes.
        key: that it wants.
        answered: how many times each question was answered.
        bodies: every request, in the order of coming, also those that failed.
        most: the largest number of requests at a time.
    """

    mind: Mind
    faults: list[Fault] = field(default_factory=list)
    always: Fault = None
    offers: set[str] = field(default_factory=lambda: {"logprobs", "top20", "schema", "max_tokens", "temperature", "usage"})
    key: str | None = None
    pause: float = 0.0
    wait: str = "0"
    answered: Counter[str] = field(default_factory=Counter)
    bodies: list[Body] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    most: int = 0

    def __enter__(self) -> Self:
        self.lock, self.gone, self.now = threading.Lock(), threading.Event(), 0
        handler = type("Handler", (_Handler,), {"chat": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that is killed is no fault of the server
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    @property
    def requests(self) -> int:
        return len(self.bodies)


class _Handler(BaseHTTPRequestHandler):
    chat: ChatServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        chat = self.chat
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with chat.lock:
            chat.bodies.append(body)
            chat.heads.append({name.lower(): value for name, value in self.headers.items()})
            chat.times.append(time.monotonic())
            fault = chat.always or (chat.faults.pop(0) if chat.faults else None)
            chat.now += 1
            chat.most = max(chat.most, chat.now)
        try:
            if chat.pause:
                time.sleep(chat.pause)
            self.answer(body, fault)
        except OSError:
            self.close_connection = True
        finally:
            with chat.lock:
                chat.now -= 1

    def answer(self, body: Body, fault: Fault) -> None:
        chat = self.chat
        if not self.path.endswith("/v1/chat/completions"):
            return self.send(404, {"error": {"message": "no such path"}})
        if chat.key is not None and self.headers.get("Authorization") != f"Bearer {chat.key}":
            return self.send(401, {"error": {"message": f"Incorrect API key: {self.headers.get('Authorization')}"}})
        if complaint := self.complaint(body):
            return self.send(400, {"error": {"message": complaint}})
        if fault:
            return self.fail(fault, body)
        with chat.lock:
            chat.answered[json.dumps(body, sort_keys=True)] += 1
        heads = {"Set-Cookie": "who=first; Path=/"} if "cookie" in chat.offers else None
        return self.send(200, self.completion(body, chat.mind(body)), heads)

    def complaint(self, body: Body) -> str:
        offers = self.chat.offers
        if body.get("logprobs") and "logprobs" not in offers:
            return "logprobs are not supported"
        if body.get("top_logprobs", 0) > 5 and "top20" not in offers:
            return "top_logprobs must be at most 5"
        if "response_format" in body and "schema" not in offers:
            return "Unknown parameter: 'response_format.value'"
        if "max_tokens" in body and "max_tokens" not in offers:
            return "Unsupported parameter: 'max_tokens', use 'max_completion_tokens'"
        if "temperature" in body and "temperature" not in offers:
            return "Unsupported value: 'temperature'"
        return ""

    def fail(self, fault: str, body: Body) -> None:
        sent = self.headers.get("Authorization", "")
        if fault.isdigit():
            heads = {"Retry-After": self.chat.wait} if fault in ("429", "503") else {}
            return self.send(int(fault), {"error": {"message": f"error {fault}; you sent {sent}"}}, heads)
        if breaks := {
            "timeout": self.hang,
            "cut": self.cut,
            "cut chunks": self.cut_chunks,
            "trickle": self.trickle,
            "huge": self.flood,
        }.get(fault):
            self.close_connection = True
            return breaks(body)
        strange: dict[str, tuple[int, Body | bytes, dict[str, str]]] = {
            "redirect": (307, {}, {"Location": "http://127.0.0.1:9/v1/chat/completions"}),
            "encoded": (200, self.completion(body, "A"), {"Content-Encoding": "gzip"}),
            "rubbish": (200, b"<html>Please log in</html>", {}),
            "no choices": (200, {"choices": [], "object": "chat.completion"}, {}),
        }
        if fault in strange:
            return self.send(*strange[fault])
        made = self.completion(body, f"A {sent}" if fault == "echo" else '{"score": "five"' if fault == "wrong json" else "")
        if fault == "refusal":
            made["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I won't."}
        elif fault == "filter":
            made["choices"][0] |= {"finish_reason": "content_filter"}
        with self.chat.lock:
            self.chat.answered[json.dumps(body, sort_keys=True)] += 1
        return self.send(200, made)

    def hang(self, _: Body) -> None:
        self.chat.gone.wait(10)

    def cut(self, body: Body) -> None:
        content = json.dumps(self.completion(body, "A")).encode()
        self.head(200, {"Content-Length": str(len(content))})
        self.wfile.write(content[:40])

    def cut_chunks(self, _: Body) -> None:
        self.head(200, {"Transfer-Encoding": "chunked"})
        self.wfile.write(b"14\r\n{")

    def flood(self, _: Body) -> None:
        self.head(200, {"Content-Length": str(10**9)})
        for _part in range(200):
            self.wfile.write(b" " * 100_000)

    def trickle(self, _: Body) -> None:
        self.head(200, {"Content-Length": "10000"})
        for _part in range(200):
            self.wfile.write(b" ")
            self.wfile.flush()
            if self.chat.gone.wait(0.05):
                break

    def completion(self, body: Body, said: str | Mapping[str, float]) -> Body:
        text = said if isinstance(said, str) else max(said, key=lambda token: said[token])
        choice: Body = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, "logprobs": None}
        if body.get("logprobs") and not isinstance(said, str):
            top = [{"token": token, "logprob": math.log(max(share, 1e-12))} for token, share in said.items()]
            top.sort(key=lambda item: -float(item["logprob"]))
            choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top[: body["top_logprobs"]]}]}
        sent = sum(len(message["content"].split()) for message in body["messages"])
        usage = {"prompt_tokens": sent, "completion_tokens": len(text.split()), "total_tokens": sent + len(text.split())}
        made = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}
        return {**made, "usage": usage} if "usage" in self.chat.offers else made

    def send(self, status: int, content: Body | bytes, heads: Mapping[str, str] | None = None) -> None:
        written = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.head(status, {"Content-Length": str(len(written)), "Content-Type": "application/json", **(heads or {})})
        self.wfile.write(written)

    def head(self, status: int, heads: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in heads.items():
            self.send_header(name, value)
        self.end_headers()
