"""What a client of a model promises: messages in, an answer out, and a gate that is asked before each request."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from dissection.endpoint.structured import Message, Schema

# Bytes that a chat template may put around a message.
TEMPLATE_BYTES: Final = 64


class Letter(NamedTuple):
    """A token and its log-probability."""

    token: str
    logprob: float


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        text: its words.
        parsed: the JSON value, where a schema was given.
        top_logprobs: for each token of the answer, the token itself first and then the likeliest ones; empty where not offered.
        tokens_in, tokens_out: over all requests that it took; characters / 4 where the endpoint does not say.
        requests: how many requests were answered: two where the first answer had to be repaired.
    """

    text: str
    parsed: Any = None
    top_logprobs: tuple[tuple[Letter, ...], ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    requests: int = 1


class Gate(Protocol):
    """Who is asked before each request, and told what it came to: rate limits, budgets and cancelling live there."""

    def enter(self, tokens_in: int, tokens_out: int) -> None:
        """Wait for a place. The tokens are the most that the request can take. Raises `StoppedError` instead of letting it in."""

    def leave(self, tokens_in: int, tokens_out: int, *, requests: int) -> None:
        """The request of this thread is over; no tokens and 0 requests where nothing can have been charged."""

    def sleep(self, seconds: float) -> None:
        """Wait before trying again. Raises `StoppedError` when there is no use in waiting any more."""

    def hold(self, seconds: float) -> None:
        """Let nobody in for so long: the endpoint asked for it."""


class OpenGate:
    """For a single call, without a run around it."""

    def enter(self, tokens_in: int, tokens_out: int) -> None:
        """Nothing is limited."""

    def leave(self, tokens_in: int, tokens_out: int, *, requests: int) -> None:
        """Nothing is counted."""

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def hold(self, seconds: float) -> None:
        """Nobody else waits."""


class Client(Protocol):
    """Something that answers messages as a model does."""

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
        """The model's answer.

        Args:
            messages: role and content each.
            schema: of the JSON value that is wanted.
            logprobs: whether the likeliest tokens are wanted, where they are offered.
            max_tokens: of the answer.
            temperature: 0 for the likeliest answer.
            seed: for repeats that can be made again, where the endpoint heeds it.
            gate: asked before each request.

        Raises:
            EndpointError: there is no answer, or none that can be used.
        """


class Reply(NamedTuple):
    """One request's answer, as it came."""

    text: str
    refusal: str
    top_logprobs: tuple[tuple[Letter, ...], ...]
    tokens_in: int | None
    tokens_out: int | None


Send = Callable[[list[Message], Mapping[str, Any]], Reply]


def most_tokens(messages: Sequence[Message]) -> int:
    """The most tokens that messages can be: one a byte, and what a chat template puts around them."""
    return sum(len(message["content"].encode("utf-8", "replace")) + TEMPLATE_BYTES for message in messages)


def about_tokens(characters: int) -> int:
    """Tokens of a text of this length where nobody counts them: characters / 4, rounded up."""
    return math.ceil(characters / 4)
