"""What must not get out and what must not come in: keys, cookies, halves of characters, addresses in other clothes; and odd waits."""

import gc
import logging
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType, TracebackType

import pytest

from dissection.endpoint import faults
from dissection.endpoint.address import Endpoint, check_address
from dissection.endpoint.client import connect
from dissection.endpoint.journal import NAME, Journal
from dissection.endpoint.limits import Limits
from dissection.endpoint.run import run
from tests.asking_tools import KEY, STUBBORN, questions, stubborn_client
from tests.chat_server import ChatServer
from tests.test_endpoint_run import SCHEMA

ASK = [{"role": "user", "content": "Which one?"}]
HALF = "\ud83d"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with ChatServer(lambda _: "A") as found:
        yield found


def reachable(root: object) -> Iterator[object]:
    """Everything that an object holds on to, but for code, which holds on to all there is."""
    seen: set[int] = set()
    todo: list[object] = [root]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, (type, ModuleType, FunctionType, BuiltinFunctionType)):
            continue
        seen.add(id(one))
        yield one
        todo += gc.get_referents(one)


def check_nothing_held(root: object) -> None:
    """No key, and no frame in whose variables one could be."""
    for one in reachable(root):
        assert not isinstance(one, (FrameType, TracebackType)), one
        words = one.encode("utf-8", "replace") if isinstance(one, str) else one if isinstance(one, bytes) else b""
        assert KEY.encode() not in words, one


# --- Out --------------------------------------------------------------------------------------------------------------------------


def test_what_is_kept_of_a_run_holds_on_to_no_request(server: ChatServer, tmp_path: Path) -> None:
    server.faults = ["echo", "500", "500", "500", "400", "rubbish", "cut", "cut", "cut", "refusal", "404"]
    with Journal(tmp_path) as journal:
        made = run(questions(9), stubborn_client(server), Endpoint("m", server.url), journal, Limits(1))
    kinds = {type(outcome.error) for outcome in made.failures}
    assert kinds == {
        faults.ServerFaultError,
        faults.RejectedError,
        faults.RubbishError,
        faults.BrokenOffError,
        faults.RefusedError,
        faults.ModelNotFoundError,
        faults.StoppedError,
    }
    check_nothing_held(made)


def test_what_an_endpoint_gave_one_visitor_does_not_go_with_anothers_request(server: ChatServer) -> None:
    server.offers.add("cookie")
    stubborn_client(server, "sk-of-the-first-one").chat(ASK)
    stubborn_client(server, None).chat(ASK)
    assert server.requests == 2
    assert not any("cookie" in heads for heads in server.heads)


@pytest.mark.parametrize("key", ["A", "s", "local", "lm-studio"])
def test_a_placeholder_for_a_key_blots_out_no_answer(server: ChatServer, key: str) -> None:
    server.mind = lambda _: {"A": 0.9, "B": 0.1}
    found = stubborn_client(server, key).chat(ASK, logprobs=True)
    assert found.text == "A"
    assert {letter.token for letter in found.top_logprobs[0]} == {"A", "B"}
    server.mind = lambda _: "A local lm-studio answers"
    assert stubborn_client(server, key).chat(ASK).text == "A local lm-studio answers"


@pytest.mark.parametrize("key", ["abc", KEY, 'sk-"quoted"\\secret', "sk-with/slashes+and=signs"])
def test_no_message_repeats_a_key_however_it_is_written(server: ChatServer, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.always = "418"
    with pytest.raises(faults.RejectedError) as caught:
        stubborn_client(server, key).chat(ASK)
    assert caught.value.said == "error 418; you sent Bearer …"
    assert f"Bearer {key}" not in caplog.text


# --- Halves of characters ---------------------------------------------------------------------------------------------------------


def test_half_a_character_is_not_sent_and_costs_nothing(server: ChatServer, tmp_path: Path) -> None:
    calls = [*questions(2), *questions(1, repeat=1)]
    calls[1].messages[0]["content"] = f"which {HALF}?"
    with Journal(tmp_path) as journal:
        made = run(calls, stubborn_client(server), Endpoint("m", server.url), journal, Limits(1))
    assert server.requests == made.spent.requests == 2
    (failed,) = made.failures
    assert isinstance(failed.error, faults.UnsendableError)
    assert "message of the user, character 7" in str(failed.error)
    assert made.stopped == ""


def test_half_a_character_that_comes_is_made_whole(server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda _: {f"A{HALF}": 0.9, "😀": 0.1}
    with Journal(tmp_path) as journal:
        made = run(questions(1, logprobs=True), stubborn_client(server), Endpoint("m", server.url), journal)
    answer = made.outcomes[0].answer
    assert answer is not None
    assert answer.text == "A\ufffd"
    assert [letter.token for letter in answer.top_logprobs[0]] == ["A\ufffd", "A\ufffd", "😀"]
    assert (tmp_path / NAME).read_text(encoding="utf-8")


def test_half_a_character_inside_json_is_repaired(server: ChatServer) -> None:
    schema = {**SCHEMA, "properties": {"score": {"type": "string"}}}
    server.mind = lambda body: '{"score": "\\ud83d"}' if len(body["messages"]) == 1 else '{"score": "\\ud83d\\ude00"}'
    found = stubborn_client(server).chat(ASK, schema=schema)
    assert found.parsed == {"score": "😀"}
    assert server.requests == 2


# --- Waits ------------------------------------------------------------------------------------------------------------------------


def test_retry_after_may_be_a_date(server: ChatServer) -> None:
    server.faults, server.wait = ["429"], formatdate(time.time() + 2, usegmt=True)
    stubborn_client(server).chat(ASK)
    assert server.times[1] - server.times[0] >= 0.9, "dates are of whole seconds"


# A name that tells the time would differ between the processes that share these tests.
OVER = pytest.param(formatdate(time.time() - 60, usegmt=True), id="a minute ago")
HOURS = pytest.param(formatdate(time.time() + 7200, usegmt=True), id="in two hours")


@pytest.mark.parametrize("wait", [OVER, "soon", "", "-5", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_a_wait_that_is_over_or_none_is_not_waited_for(server: ChatServer, wait: str) -> None:
    server.faults, server.wait = ["503", "429"], wait
    assert stubborn_client(server).chat(ASK).text == "A"
    assert server.times[2] - server.times[0] < 3


@pytest.mark.parametrize("wait", [HOURS, "9999999", "3600.5"])
def test_a_wait_of_hours_is_given_up_at_once(server: ChatServer, wait: str) -> None:
    server.always, server.wait = "429", wait
    with pytest.raises(faults.RateLimitedError, match="too many requests"):
        stubborn_client(server).chat(ASK)
    assert server.requests == 1


def test_a_stream_in_chunks_that_is_cut_is_asked_for_again(server: ChatServer) -> None:
    server.faults = ["cut chunks", "cut chunks"]
    assert stubborn_client(server).chat(ASK).text == "A"
    assert server.requests == 3


# --- In ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["http://127.0.0.1:9/", "https://169.254.169.254/latest", "HTTP://host", "x://y"])
def test_a_model_of_a_provider_is_no_address(name: str) -> None:
    """The library would send the request there, and the token with it."""
    with pytest.raises(faults.AddressRefusedError, match="name is an address"):
        Endpoint(name, provider="hf-inference")


def test_a_provider_that_is_none_is_said() -> None:
    with pytest.raises(faults.ModelNotFoundError, match="nobody"):
        connect(Endpoint("owner/model", provider="nobody"), "hf_token", patience=STUBBORN).chat(ASK)


@pytest.mark.parametrize(
    "host",
    ["[fec0::1]", "[64:ff9b:1::a00:1]", "[::10.0.0.1]", "[::ffff:0:10.0.0.1]", "[::ffff:127.0.0.1]", "[5f00::1]", "[ff02::1]", "[::]",
     "[2002:a00:1::]", "[2001:0:4136:e378:8000:63bf:f5ff:fffe]", "127.1", "0x7f.0.0.1", "0177.0.0.1", "0"],
)  # fmt: skip
def test_other_forms_of_private_addresses(host: str) -> None:
    with pytest.raises(faults.AddressRefusedError, match="private network"):
        check_address(f"https://{host}/v1", allow_private=False)


@pytest.mark.parametrize("host", ["1.1.1.1", "[2606:4700:4700::1111]", "[64:ff9b::101:101]", "[2002:101:101::]"])
def test_public_addresses_in_every_form(host: str) -> None:
    check_address(f"https://{host}/v1", allow_private=False)


def test_a_host_that_nobody_knows() -> None:
    with pytest.raises(faults.UnreachableError, match="no host named"):
        check_address("https://no-such-host.invalid/v1", allow_private=False)
