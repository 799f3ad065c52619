"""The client against a local endpoint: what it sends, what it makes of faults, and that a key stays where it is."""

import logging
import pickle
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dissection.endpoint import faults
from dissection.endpoint.address import Endpoint, check_address
from dissection.endpoint.client import ChatClient, Patience, connect
from dissection.endpoint.protocol import Answer
from tests.chat_server import Body, ChatServer

KEY = "sk-secretsecretsecret"
ASK = [{"role": "user", "content": "Which one?"}]
SCHEMA = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}}, "required": ["score"]}
QUICK = Patience(timeout=5, attempts=4, first=0.01, longest=0.05, asked=3)


@pytest.fixture
def server(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with ChatServer(lambda _: "A") as found:
        yield found
    assert KEY not in caplog.text


def client(server: ChatServer, key: str | None = KEY, **patience: Any) -> ChatClient:
    return connect(Endpoint("m", server.url), key, patience=QUICK._replace(**patience), allow_private=True)


def fails(kind: type[faults.EndpointError], of: ChatClient, **options: Any) -> faults.EndpointError:
    """The error of a call; neither its words nor what hangs on it hold the key."""
    with pytest.raises(kind) as caught:
        of.chat(ASK, **options)
    error = caught.value
    assert error.problem.endswith((".", "…")) or "error 4" in error.problem
    assert error.remedy or error.accepted
    assert KEY not in f"{error} {vars(error)}"
    assert error.__suppress_context__ or error.__context__ is None, "a traceback would show the request"
    return error


# --- What is sent and read --------------------------------------------------------------------------------------------------------


def test_an_answer_and_what_it_took(server: ChatServer) -> None:
    server.key = KEY
    answer = client(server).chat(ASK, max_tokens=7, temperature=0.5, seed=3)
    assert answer == Answer("A", None, (), 2, 1)
    assert server.bodies == [{"model": "m", "messages": ASK, "max_tokens": 7, "temperature": 0.5, "seed": 3, "stream": False}]


def test_tokens_are_estimated_where_nobody_counts_them(server: ChatServer) -> None:
    server.offers.remove("usage")
    answer = client(server).chat(ASK)
    assert (answer.tokens_in, answer.tokens_out) == (3, 1), "ten characters and one, / 4, rounded up"


def test_log_probabilities_come_with_the_token_first(server: ChatServer) -> None:
    server.mind = lambda _: {"B": 0.7, " B": 0.1, "A": 0.2}
    place = client(server).chat(ASK, logprobs=True).top_logprobs[0]
    assert [letter.token for letter in place] == ["B", "B", "A", " B"]
    assert server.bodies[0]["top_logprobs"] == 20


@pytest.mark.parametrize(
    ("lacking", "sent"),
    [
        ({"top20"}, {"logprobs": True, "top_logprobs": 5}),
        ({"top20", "logprobs"}, {}),
        ({"temperature", "max_tokens"}, {"logprobs": True, "top_logprobs": 20, "extra": True}),
    ],
)
def test_what_the_endpoint_does_not_take_is_left_out_and_remembered(server: ChatServer, lacking: set[str], sent: Body) -> None:
    server.offers -= lacking
    asking = client(server)
    asking.chat(ASK, logprobs=True)
    before = server.requests
    assert asking.chat(ASK, logprobs=True).text == "A"
    assert server.requests == before + 1, "it is not tried again"
    last = server.bodies[-1]
    assert {name: last[name] for name in ("logprobs", "top_logprobs") if name in last} == {k: v for k, v in sent.items() if k != "extra"}
    assert ("max_completion_tokens" in last) == ("extra" in sent)
    assert ("temperature" not in last) == ("extra" in sent)
    assert asking.left_out


def test_what_does_not_help_is_not_left_out_of_other_calls(server: ChatServer) -> None:
    server.always = "400"
    asking = client(server)
    error = fails(faults.RejectedError, asking, logprobs=True)
    assert "error 400" in error.problem
    assert asking.left_out == frozenset()
    assert server.requests == 3, "with 20, with 5 and without log-probabilities"


@pytest.mark.parametrize("offered", [True, False])
@pytest.mark.parametrize("text", ['{"score": 4}', '```json\n{"score": 4}\n```', ' {"score": 4}\n'])
def test_json_of_the_schema(server: ChatServer, text: str, offered: bool) -> None:
    server.mind = lambda _: text
    server.offers -= set() if offered else {"schema"}
    answer = client(server).chat(ASK, schema=SCHEMA)
    assert answer.parsed == {"score": 4}
    assert answer.requests == 1
    assert ("response_format" in server.bodies[-1]) == offered


@pytest.mark.parametrize(
    "wrong",
    ['{"score": 6}', '{"score": "4"}', "The score is 4.", '{"score": 4} or so', '{"score": 4, "score": 5}', '{"score": NaN}', "[" * 9999],
)
def test_wrong_json_is_repaired_once(server: ChatServer, wrong: str) -> None:
    server.mind = lambda body: wrong if len(body["messages"]) == 1 else '{"score": 2}'
    answer = client(server).chat(ASK, schema=SCHEMA)
    assert answer.parsed == {"score": 2}
    assert answer.requests == server.requests == 2
    assert server.bodies[1]["messages"][1] == {"role": "assistant", "content": wrong}
    assert answer.tokens_in > 4, "both requests are counted"


def test_json_that_is_wrong_twice_is_given_up(server: ChatServer) -> None:
    server.always = "wrong json"
    error = fails(faults.UnreadableError, client(server), schema=SCHEMA)
    assert isinstance(error, faults.PaidError)
    assert server.requests == 2
    assert error.answer.requests == 2


# --- Faults -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "500", "502", "503", "cut", "timeout", "408"])
def test_what_passes_is_waited_for(server: ChatServer, fault: str) -> None:
    server.faults = [fault, fault]
    assert client(server, timeout=0.4).chat(ASK).text == "A"
    assert server.requests == 3


def test_retry_after_is_heeded(server: ChatServer) -> None:
    server.faults, server.wait = ["429"], "1"
    client(server).chat(ASK)
    assert server.times[1] - server.times[0] >= 1


def test_who_asks_to_wait_for_too_long_is_not_waited_for(server: ChatServer) -> None:
    server.always, server.wait = "429", "3600"
    error = fails(faults.RateLimitedError, client(server))
    assert server.requests == 1
    assert "3,600 s" in error.remedy


@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [
        ("429", faults.RateLimitedError, 4),
        ("500", faults.ServerFaultError, 4),
        ("cut", faults.BrokenOffError, 4),
        ("timeout", faults.TimedOutError, 4),
        ("trickle", faults.TimedOutError, 4),
        ("400", faults.RejectedError, 1),
        ("401", faults.UnauthorisedError, 1),
        ("402", faults.UnauthorisedError, 1),
        ("403", faults.UnauthorisedError, 1),
        ("404", faults.ModelNotFoundError, 1),
        ("418", faults.RejectedError, 1),
        ("rubbish", faults.RubbishError, 1),
        ("no choices", faults.RubbishError, 1),
        ("huge", faults.RubbishError, 1),
        ("encoded", faults.RubbishError, 1),
        ("redirect", faults.AddressRefusedError, 1),
        ("refusal", faults.RefusedError, 1),
        ("filter", faults.RefusedError, 1),
    ],
)
def test_every_fault_has_its_words(server: ChatServer, fault: str, kind: type[faults.EndpointError], requests: int) -> None:
    server.always = fault
    error = fails(kind, client(server, timeout=0.3 if fault in ("timeout", "trickle") else 5))
    assert type(error) is kind
    assert server.requests == requests


def test_nobody_at_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    asking = connect(Endpoint("m", f"http://127.0.0.1:{port}/v1"), KEY, patience=QUICK, allow_private=True)
    fails(faults.UnreachableError, asking)


# --- Keys -------------------------------------------------------------------------------------------------------------------------


def test_the_key_is_in_nothing_that_is_shown_or_stored(server: ChatServer) -> None:
    asking = client(server)
    assert KEY not in f"{asking!r} {asking} {vars(asking)}"
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        pickle.dumps(asking)
    server.faults = ["echo"]
    assert asking.chat(ASK).text == "A Bearer …", "an endpoint that sends it back is not believed"


def test_no_key_of_this_machine_is_sent_to_a_visitors_address(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", KEY)
    client(server, key=None).chat(ASK)
    assert "authorization" not in server.heads[0]
    client(server, key="other").chat(ASK)
    assert server.heads[1]["authorization"] == "Bearer other"


def test_a_key_that_is_none_is_not_repeated() -> None:
    with pytest.raises(faults.UnauthorisedError) as caught:
        connect(Endpoint("m", "https://example.com/v1"), f"{KEY}\n{KEY}")
    assert KEY not in str(caught.value)


# --- Addresses --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "0.0.0.0", "224.0.0.1",
     "[::1]", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:10.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "localhost", "2130706433"],
)  # fmt: skip
def test_private_addresses_are_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISSECTION_PRIVATE_ENDPOINTS", raising=False)
    with pytest.raises(faults.AddressRefusedError, match="private network"):
        connect(Endpoint("m", f"https://{host}/v1"), None)


def test_a_name_is_refused_if_any_of_its_addresses_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(faults.AddressRefusedError):
        check_address("https://models.example/v1", allow_private=False)
    del found[1]
    check_address("https://models.example/v1", allow_private=False)


def test_a_name_that_turns_private_later_is_not_called(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    asking = connect(Endpoint("m", "https://models.example/v1"), KEY, patience=QUICK, allow_private=False)
    found[0] = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.server.server_address[1]))
    fails(faults.AddressRefusedError, asking)
    assert server.requests == 0


def test_the_setting_is_for_a_laptop(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_PRIVATE_ENDPOINTS", "1")
    assert connect(Endpoint("m", server.url), None).chat(ASK).text == "A"


@pytest.mark.parametrize(
    "address",
    ["ftp://host/v1", "host/v1", "https://", f"https://user:{KEY}@host/v1", f"https://host/v1?key={KEY}", "https://host/#x", "https://ho st",
     "https://host:0/", "https://host:99999/", "file:///etc/passwd", "https://host\n/v1", "https://host/" + "x" * 600],
)  # fmt: skip
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(faults.AddressRefusedError) as caught:
        Endpoint("m", address)
    assert KEY not in str(caught.value)


def test_plain_http_is_refused() -> None:
    with pytest.raises(faults.AddressRefusedError, match="not https"):
        connect(Endpoint("m", "http://93.184.216.34/v1"), None, allow_private=False)


def test_other_clients_of_the_session_keep_their_redirects(server: ChatServer) -> None:
    client(server).chat(ASK)
    from huggingface_hub import get_session

    server.always = "redirect"
    with pytest.raises(Exception, match=r"refused|Connect"):  # it follows, to a port where nobody listens
        get_session().post(f"{server.url}/chat/completions", json={"model": "m", "messages": ASK})


def test_time_out_is_for_the_whole_answer(server: ChatServer) -> None:
    server.always = "trickle"
    started = time.monotonic()
    fails(faults.TimedOutError, client(server, timeout=0.3, attempts=1))
    assert time.monotonic() - started < 5, "each byte came in time"
