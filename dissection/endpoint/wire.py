"""Requests on the wire, through Hugging Face's inference client: what is sent, what is let in, and errors in our words."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from dissection.endpoint.address import Endpoint, check_address
from dissection.endpoint.faults import (
    AddressRefusedError,
    BrokenOffError,
    EndpointError,
    ModelNotFoundError,
    RateLimitedError,
    RejectedError,
    RubbishError,
    ServerFaultError,
    TimedOutError,
    UnauthorisedError,
    UnreachableError,
    UnsendableError,
)
from dissection.endpoint.protocol import Letter, Reply, Send
from dissection.endpoint.structured import Message

if TYPE_CHECKING:
    import httpx2

MAX_BYTES: Final = 8_000_000
SHOWN: Final = 200
# What is shorter is a placeholder, as local servers take them, and may be a word of an answer.
SECRET: Final = 12
_HIDDEN: Final = "…"
_NO_KEY: Final = "none"

# Set while a request of ours is under way: the session belongs to the Hub's client too, whose redirects are its own matter.
_deadline: ContextVar[float | None] = ContextVar("_deadline", default=None)
_hooking = threading.Lock()


class _RedirectedError(Exception):
    """The endpoint sends us elsewhere, where nobody has checked the address."""


class _OversizeError(Exception):
    """More than an answer can be."""


def sender(endpoint: Endpoint, key: str | None, timeout: float, *, allow_private: bool) -> Send:
    """What makes one request to the endpoint. The key is in this closure alone.

    Args:
        endpoint: to ask.
        key: to send; None: none.
        timeout: seconds for the whole request.
        allow_private: see `check_address`.
    """
    from huggingface_hub import InferenceClient

    # Without a key of our own the library would send the token that is stored on this machine, to whatever address a visitor gave.
    headers: dict[str, Any] = {"accept-encoding": "identity", **({} if key else {"authorization": None})}
    place: dict[str, Any] = {"base_url": endpoint.address} if endpoint.address else {"provider": endpoint.provider}
    library = InferenceClient(api_key=key or _NO_KEY, timeout=timeout, headers=headers, **place)

    def send(messages: list[Message], parameters: Mapping[str, Any]) -> Reply:
        _check_texts(messages)
        if endpoint.address:
            check_address(endpoint.address, allow_private=allow_private)
        _guard_session()
        mark = _deadline.set(time.monotonic() + timeout)
        try:
            found = library.chat_completion([dict(message) for message in messages], model=endpoint.model, **parameters)
            return _reply(found, key)
        except Exception as error:  # noqa: BLE001 - what is neither the endpoint's nor the network's is raised again
            fault = _translate(error, endpoint, key)
        finally:
            _deadline.reset(mark)
        # Raised out here, it does not hold on to the library's own error, which holds the request, and with it the key.
        raise fault

    return send


def _check_texts(messages: list[Message]) -> None:
    """Refuse half a character, which JSON files can hold and no request can."""
    for message in messages:
        try:
            message["content"].encode()
        except UnicodeEncodeError as error:
            raise UnsendableError(
                "The text holds half a character (a lone surrogate), so it is not sent.",
                where=f"message of the {message['role']}, character {error.start + 1}",
                accepted="Unicode text",
                remedy="mend it in the data",
            ) from None


def _guard_session() -> None:
    """Have every request and answer of the library's session pass these; it makes a new session after a fork."""
    from huggingface_hub import get_session

    with _hooking:
        session = get_session()
        hooks = session.event_hooks
        if _guard not in hooks["response"]:
            session.event_hooks = {"request": [*hooks["request"], _without_cookies], "response": [*hooks["response"], _guard]}


def _without_cookies(request: "httpx2.Request") -> None:
    """All visitors share the session: what an endpoint gave one of them to be known by must not go with another's request."""
    if _deadline.get() is not None:
        request.headers.pop("cookie", None)


def _guard(response: "httpx2.Response") -> None:
    deadline = _deadline.get()
    if deadline is None or response.request.method != "POST":
        # Before it asks a provider by name, the library looks up at the Hub what that provider calls the model; that is its own matter too.
        return
    if response.has_redirect_location:
        raise _RedirectedError
    # An encoded answer may be a thousand times as large as what was counted on the wire.
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _OversizeError
    response.stream = _bounded(response.stream, deadline)


def _bounded(stream: Any, deadline: float) -> "httpx2.SyncByteStream":
    """The stream of an answer, up to a size and a time; endless and trickling ones end here."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for part in stream:
                size += len(part)
                if size > MAX_BYTES:
                    raise _OversizeError
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("the answer takes too long")
                yield part

        def close(self) -> None:
            stream.close()

    return Bounded()


def _reply(found: Any, key: str | None) -> Reply:
    """The first choice of a completion; raises a `TypeError` or its like where it is none."""
    choice = found.choices[0]
    message = choice.message
    text, refusal = message.content, message.get("refusal")
    stopped = choice.finish_reason == "content_filter"
    if text is None and not refusal and not stopped:
        raise TypeError
    words = "" if text is None else text
    if not isinstance(words, str):
        raise TypeError
    usage = found.usage
    return Reply(
        _clean(words, key),
        "content filter" if stopped else "refusal" if refusal else "",
        _tops(choice.logprobs, key),
        _count(usage.prompt_tokens if usage else None),
        _count(usage.completion_tokens if usage else None),
    )


def _tops(logprobs: Any, key: str | None) -> tuple[tuple[Letter, ...], ...]:
    if logprobs is None or not logprobs.content:
        return ()
    return tuple(
        tuple(Letter(_clean(str(item.token), key), float(item.logprob)) for item in (token, *(token.top_logprobs or ())))
        for token in logprobs.content
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _clean(text: str, key: str | None) -> str:
    """What came, without halves of characters and, should the endpoint send the key back, without it."""
    whole = text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace(key, _HIDDEN) if key and len(key) >= SECRET else whole


def _translate(error: Exception, endpoint: Endpoint, key: str | None) -> Exception:
    import httpx2
    from huggingface_hub import errors

    where = f"{endpoint.model}, {endpoint.place}"
    if isinstance(error, EndpointError):
        return error
    if isinstance(error, _RedirectedError):
        return AddressRefusedError("The endpoint sends requests on to another address.", where=where, remedy="give that address itself")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return UnreachableError("HF_HUB_OFFLINE is set, so nothing is asked.", where=where, remedy="unset it, and try again")
    if isinstance(error, errors.HfHubHTTPError):
        return _of_status(error.response, where, key)
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol)) or (
        isinstance(error, errors.InferenceTimeoutError) and isinstance(error.__cause__, httpx2.ConnectTimeout)
    ):
        return UnreachableError("The endpoint can't be reached.", where=where, remedy="check the address and the connection")
    if isinstance(error, (errors.InferenceTimeoutError, httpx2.TimeoutException)):
        return TimedOutError("The endpoint took too long to answer.", where=where, remedy="try again later, or ask fewer at a time")
    if isinstance(error, (httpx2.TransportError, httpx2.StreamError)):
        return BrokenOffError("The connection broke off in the middle of an answer.", where=where, remedy="try again")
    if isinstance(error, (_OversizeError, httpx2.DecodingError)) or (
        endpoint.address and isinstance(error, (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError))
    ):
        return RubbishError(
            "What came back is no answer of the chat protocol.",
            where=where,
            accepted="an OpenAI-compatible chat endpoint",
            remedy="check the address; it usually ends with /v1",
        )
    if isinstance(error, ValueError):  # the library's own, about a provider or a model that it does not know
        return ModelNotFoundError(
            _plain(str(error), key) or "There is no such provider.", where=where, remedy="name another provider or model"
        )
    return error


def _of_status(response: "httpx2.Response", where: str, key: str | None) -> EndpointError:
    status = int(response.status_code)
    if status in (401, 403):
        return UnauthorisedError(
            "The endpoint does not accept the key." if key else "The endpoint asks for a key.",
            where=where,
            remedy="check the key and its rights",
        )
    if status == 402:
        return UnauthorisedError("The account has no credit left.", where=where, remedy="top it up; what was answered is kept")
    wait = _retry_after(response.headers)
    if status == 429:
        remedy = f"try again in {wait:,.0f} s, with fewer requests a minute" if wait else "try again later, with fewer requests a minute"
        return RateLimitedError("The endpoint has had too many requests.", wait, where=where, remedy=remedy)
    if status == 408:
        return TimedOutError("The endpoint took too long to answer.", where=where, remedy="try again later")
    if status >= 500:
        return ServerFaultError(f"The endpoint failed with error {status}.", wait, where=where, remedy="try again later")
    said = _said(response, key)
    if status in (404, 405):
        heard = f" It says: {said}" if said else ""
        return ModelNotFoundError(
            f"The endpoint has no such model, or no chat at this address.{heard}",
            where=where,
            remedy="check the model's name and the address",
        )
    return RejectedError(
        f"The endpoint does not take the request (error {status}){f': {said}' if said else '.'}",
        said,
        where=where,
        remedy="see what it says",
    )


def _said(response: "httpx2.Response", key: str | None) -> str:
    """What the endpoint wrote about an error."""
    try:
        content = response.read()
    except Exception:  # noqa: BLE001 - whatever keeps it from being read, it is only a hint
        return ""
    text = content[:4000].decode("utf-8", "replace")
    found = re.search(r'"(?:message|detail|error)"\s*:\s*("(?:[^"\\]|\\.)*")', text)
    # As JSON it may be written in other letters, and a key in it would not be known again.
    with contextlib.suppress(ValueError):
        text = str(json.loads(found[1])) if found else text
    return _plain(text, key)


def _plain(text: str, key: str | None) -> str:
    hidden = re.sub(rf"(?<![A-Za-z0-9]){re.escape(key)}(?![A-Za-z0-9])", _HIDDEN, _clean(text, key)) if key else _clean(text, key)
    cleaned = " ".join("".join(mark if mark.isprintable() else " " for mark in hidden).split())
    return cleaned if len(cleaned) <= SHOWN else cleaned[:SHOWN] + _HIDDEN


def _retry_after(headers: "httpx2.Headers") -> float | None:
    """Seconds that the endpoint asks to wait: a number or a date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,15}(\.\d{1,6})?", text):
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
