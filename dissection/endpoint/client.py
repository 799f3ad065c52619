"""The client that speaks to real endpoints: with patience, without leaks, and without what an endpoint does not take."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from dissection.endpoint.address import Endpoint, check_address, private_allowed
from dissection.endpoint.faults import EndpointError, RefusedError, RejectedError, UnauthorisedError, UnreadableError
from dissection.endpoint.protocol import Answer, Gate, OpenGate, Reply, Send, about_tokens, most_tokens
from dissection.endpoint.structured import Message, Schema, read_json, repair_messages


class Patience(NamedTuple):
    """How long to wait and how often to try.

    Attributes:
        timeout: seconds for one request.
        attempts: requests in all before a call is given up.
        first, longest: seconds before the second attempt, doubling with jitter up to the longest.
        asked: the longest Retry-After that is waited for.
    """

    timeout: float = 120.0
    attempts: int = 6
    first: float = 1.0
    longest: float = 60.0
    asked: float = 120.0


# What an endpoint may not know, with the words by which its complaint shows it, in the order in which it is left out.
_LEFT_OUT: Final = (
    ("20 log-probabilities", ("logprob",)),
    ("log-probabilities", ("logprob",)),
    ("JSON schema", ("response_format", "schema", "json")),
    ("JSON mode", ("response_format", "schema", "json")),
    ("seed", ("seed",)),
    ("temperature", ("temperature",)),
    ("max_tokens", ("max_tokens", "max_completion_tokens")),
)
# Left out one after the other when the complaint does not say what it is about; the rest only when it is named.
_UNNAMED: Final = ("20 log-probabilities", "log-probabilities", "JSON schema", "JSON mode")


@dataclass
class ChatClient:
    """A client of one endpoint; made by `connect`. Safe for threads.

    Attributes:
        endpoint: whom it asks.
        patience: how often it tries.
        left_out: what the endpoint did not take, so that it is asked without it.
    """

    endpoint: Endpoint
    patience: Patience
    _send: Send = field(repr=False)
    left_out: frozenset[str] = frozenset()

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        logprobs: bool = False,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int | None = None,
        gate: Gate | None = None,
    ) -> Answer:
        """See `Client`."""
        wanted = _Wanted(schema, logprobs, max_tokens, temperature, seed)
        door = gate or OpenGate()
        asked = list(messages)
        reply = self._request(asked, wanted, door)
        answer = _answer(reply, asked)
        _check_refusal(reply, answer, self.endpoint)
        if schema is None:
            return answer
        value, wrong = read_json(reply.text, schema)
        if wrong:
            asked = repair_messages(asked, reply.text, wrong)
            reply = self._request(asked, wanted, door)
            answer = _sum(answer, _answer(reply, asked))
            _check_refusal(reply, answer, self.endpoint)
            value, wrong = read_json(reply.text, schema)
        if wrong:
            raise UnreadableError(
                f"The answer is not the JSON that was asked for, also after one request to repair it: {wrong[:200]}.",
                answer,
                where=f"{self.endpoint.model}, {self.endpoint.place}",
                remedy="choose a model that keeps to a form, or an endpoint with structured output",
            )
        return Answer(answer.text, value, answer.top_logprobs, answer.tokens_in, answer.tokens_out, answer.requests)

    def _request(self, messages: list[Message], wanted: "_Wanted", gate: Gate) -> Reply:
        """One answer, asked for without what the endpoint does not take."""
        left_out = self.left_out
        while True:
            try:
                reply = self._patiently(messages, wanted, left_out, gate)
            except RejectedError as error:
                next_ = _to_leave_out(error.said, wanted.features - left_out)
                if next_ is None:
                    raise
                left_out |= {next_}
            else:
                # Only what helped is left out of other calls too.
                self.left_out |= left_out
                return reply

    def _patiently(self, messages: list[Message], wanted: "_Wanted", left_out: frozenset[str], gate: Gate) -> Reply:
        import tenacity

        def again(error: BaseException) -> bool:
            return isinstance(error, EndpointError) and error.again and (_asked_to_wait(error) or 0) <= self.patience.asked

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = _asked_to_wait(error)
            if asked:
                gate.hold(asked)
            return max(asked or 0.0, jitter(state))

        jitter = tenacity.wait_exponential(multiplier=self.patience.first, max=self.patience.longest) + tenacity.wait_random(
            0, self.patience.first
        )
        trying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.patience.attempts),
            wait=wait,
            retry=tenacity.retry_if_exception(again),
            sleep=gate.sleep,
            reraise=True,
        )
        return trying(self._once, messages, wanted, left_out, gate)

    def _once(self, messages: list[Message], wanted: "_Wanted", left_out: frozenset[str], gate: Gate) -> Reply:
        most = most_tokens(messages)
        gate.enter(most, wanted.max_tokens)
        spent = (0, 0, 0)
        try:
            reply = self._send(messages, wanted.parameters(left_out))
            answer = _answer(reply, messages)
            spent = (answer.tokens_in, answer.tokens_out, 1)
        except EndpointError as error:
            if error.billed:
                spent = (most, wanted.max_tokens, 1)
            raise
        finally:
            gate.leave(spent[0], spent[1], requests=spent[2])
        return reply


class _Wanted(NamedTuple):
    schema: Schema | None
    logprobs: bool
    max_tokens: int
    temperature: float
    seed: int | None

    @property
    def features(self) -> frozenset[str]:
        found = {"temperature", "max_tokens"}
        found |= {"20 log-probabilities", "log-probabilities"} if self.logprobs else set()
        found |= {"JSON schema", "JSON mode"} if self.schema is not None else set()
        return frozenset(found | ({"seed"} if self.seed is not None else set()))

    def parameters(self, left_out: frozenset[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "temperature" not in left_out:
            found["temperature"] = self.temperature
        if self.seed is not None and "seed" not in left_out:
            found["seed"] = self.seed
        if "max_tokens" in left_out:
            found["extra_body"] = {"max_completion_tokens": self.max_tokens}
        else:
            found["max_tokens"] = self.max_tokens
        if self.logprobs and "log-probabilities" not in left_out:
            found |= {"logprobs": True, "top_logprobs": 5 if "20 log-probabilities" in left_out else 20}
        if self.schema is not None and "JSON schema" not in left_out:
            found["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(self.schema), "strict": True},
            }
        elif self.schema is not None and "JSON mode" not in left_out:
            found["response_format"] = {"type": "json_object"}
        return found


def connect(endpoint: Endpoint, key: str | None, *, patience: Patience | None = None, allow_private: bool | None = None) -> ChatClient:
    """A client of an endpoint. The key stays in it: it is in no attribute, no error and no log.

    Args:
        endpoint: whom to ask.
        key: or token; None: none is sent, also not one that is stored on this machine.
        patience: None: the usual.
        allow_private: whether plain http and private networks may be called; None: as the environment says (`private_allowed`).

    Raises:
        AddressRefusedError, UnreachableError: the address is not called from here, or leads nowhere.
        UnauthorisedError: the key can't be one, or a provider is asked without a token.
    """
    from dissection.endpoint.wire import sender

    allowed = private_allowed() if allow_private is None else allow_private
    usual = patience or Patience()
    checked = usable_key(key, endpoint)
    if endpoint.address:
        check_address(endpoint.address, allow_private=allowed)
    return ChatClient(endpoint, usual, sender(endpoint, checked, usual.timeout, allow_private=allowed))


def usable_key(key: str | None, endpoint: Endpoint) -> str | None:
    """The key without the white space around it; None where there is none.

    Raises:
        UnauthorisedError: it can't be a key, or a provider is asked without one.
    """
    found = (key or "").strip()
    if found and (len(found) > 4096 or not found.isascii() or not found.isprintable() or " " in found):
        raise UnauthorisedError("The key has characters that no key has.", accepted="one word", remedy="copy it again")
    if not found and endpoint.provider:
        raise UnauthorisedError(
            "A provider of Hugging Face is asked with a token.", where=endpoint.place, accepted="a token, as in hf_…", remedy="give one"
        )
    return found or None


def _answer(reply: Reply, messages: Sequence[Message]) -> Answer:
    sent = reply.tokens_in if reply.tokens_in is not None else about_tokens(sum(len(message["content"]) for message in messages))
    came = reply.tokens_out if reply.tokens_out is not None else about_tokens(len(reply.text))
    return Answer(reply.text, None, reply.top_logprobs, sent, came)


def _sum(first: Answer, second: Answer) -> Answer:
    tokens = (first.tokens_in + second.tokens_in, first.tokens_out + second.tokens_out)
    return Answer(second.text, None, second.top_logprobs, *tokens, first.requests + second.requests)


def _check_refusal(reply: Reply, answer: Answer, endpoint: Endpoint) -> None:
    if reply.refusal:
        raise RefusedError("The model refuses to answer.", answer, where=endpoint.model, remedy="nothing: it counts as no verdict")


def _asked_to_wait(error: BaseException | None) -> float | None:
    return getattr(error, "retry_after", None)


def _to_leave_out(said: str, features: frozenset[str]) -> str | None:
    lowered = said.lower()
    for name, words in _LEFT_OUT:
        if name in features and any(word in lowered for word in words):
            return name
    return next((name for name in _UNNAMED if name in features), None)
