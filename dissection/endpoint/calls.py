"""What is going to be asked: one call each, and what all of them would cost."""

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from dissection.endpoint.address import Endpoint
from dissection.endpoint.limits import Prices
from dissection.endpoint.protocol import about_tokens
from dissection.endpoint.structured import Message, Schema
from dissection.wording import count


@dataclass(frozen=True, eq=False)
class Call:
    """One question to a model.

    Attributes:
        label: what it is about, for the list of failures: "pair p1, ab".
        messages: role and content each.
        prompt: the name and version of the prompt, as in "verdict-1".
        schema, logprobs, max_tokens, temperature, seed: as for `Client.chat`.
        repeat: which of several equal calls it is.
        model: at the same endpoint, where it is another one than the endpoint's; whoever runs the call has to give that model's client.
    """

    label: str
    messages: tuple[Message, ...]
    prompt: str
    schema: Schema | None = None
    logprobs: bool = False
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    repeat: int = 0
    model: str = ""

    def key(self, endpoint: Endpoint) -> str:
        """SHA-256 of everything that can change the answer: the endpoint, the messages, the parameters, the prompt's version, the repeat."""
        content: Mapping[str, object] = {
            "endpoint": [endpoint.address, endpoint.provider, self.model or endpoint.model],
            "messages": self.messages,
            "parameters": [self.schema, self.logprobs, self.max_tokens, self.temperature, self.seed],
            "prompt": self.prompt,
            "repeat": self.repeat,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@dataclass(frozen=True)
class Estimate:
    """What a run would take.

    Attributes:
        calls: to be made; those that the journal has are not among them.
        finished: calls that the journal has.
        tokens_in: characters / 4.
        tokens_out: at most, as each call limits its answer.
        cost: at most, for these tokens; None without prices. Repairs and retries come on top.
    """

    calls: int
    finished: int
    tokens_in: int
    tokens_out: int
    cost: float | None

    def sentence(self) -> str:
        """The estimate in words."""
        before = f" ({self.finished:,} more are in the journal)" if self.finished else ""
        tokens = f"about {self.tokens_in:,} tokens in (characters / 4) and at most {self.tokens_out:,} out"
        cost = (
            "no prices given, so no cost"
            if self.cost is None
            else f"at most about {self.cost:,.4f} at your prices, before repairs and retries"
        )
        return f"{count(self.calls, 'call')}{before}; {tokens}; {cost}."


def estimate(calls: Sequence[Call], endpoint: Endpoint, prices: Prices | None = None, finished: Container[str] = ()) -> Estimate:
    """What the calls would take, without making any.

    Args:
        calls: equal ones are made once.
        endpoint: whom they ask.
        prices: of a million tokens.
        finished: keys of calls that need not be made: a journal.
    """
    distinct = {call.key(endpoint): call for call in calls}
    open_ = [call for key, call in distinct.items() if key not in finished]
    tokens_in = sum(about_tokens(sum(len(message["content"]) for message in call.messages)) for call in open_)
    tokens_out = sum(call.max_tokens for call in open_)
    cost = prices.of(tokens_in, tokens_out) if prices else None
    return Estimate(len(open_), len(distinct) - len(open_), tokens_in, tokens_out, cost)
