"""The form that asks whom to ask: an endpoint, a key and the limits of a run."""

import time
from typing import NamedTuple
from urllib.parse import urlsplit

import streamlit as st

from dissection import settings
from dissection.dashboard import show
from dissection.endpoint.address import ACCEPTED, SETTING, Endpoint, check_address, private_allowed
from dissection.endpoint.client import usable_key
from dissection.endpoint.keys import key_for
from dissection.endpoint.limits import MAX_CONCURRENCY, Budget, Limits, Prices
from dissection.errors import InputError
from dissection.figures.style import plain_markdown

PLACES = {"address": "OpenAI-compatible address", "provider": "Hugging Face inference provider"}
# Seconds for which an address that was looked up is not looked up again by the form; each call looks for itself.
LOOKED_UP = 30.0


class Connection(NamedTuple):
    """Whom to ask, with which key, within which limits."""

    endpoint: Endpoint
    key: str | None
    limits: Limits

    def __repr__(self) -> str:
        """Without the key, which must not come into any message."""
        return f"Connection({self.endpoint!r}, {'with a key' if self.key else 'without a key'}, {self.limits!r})"


def own_machine() -> bool:
    """Whether this server is its only visitor's own machine, whose keys of the environment may be used."""
    return private_allowed() and not settings.hosted()


def endpoint_form(place: str) -> Connection | None:
    """Fields for an endpoint, a key and limits; what is missing or wrong is said.

    The key is in the memory of this session alone, and in no address bar, cache or message.

    Args:
        place: of the form; forms of the same place, on whatever page, hold the same values.

    Returns:
        The connection, or None until it can be used.
    """
    with st.container(border=True):
        endpoint = _endpoint(place)
        key = _key_field(place, endpoint)
        with st.expander("Limits and prices", icon=":material/speed:"):
            fields = _limit_fields(place)
        try:
            limits = _limits(*fields)
            if endpoint is None:
                return None
            checked = usable_key(key or _of_environment(endpoint), endpoint)
        except InputError as error:
            show.mistake(error)
            return None
    return Connection(endpoint, checked, limits)


def _endpoint(place: str) -> Endpoint | None:
    """The endpoint; None where a field is empty or wrong, which is said."""
    kind = st.segmented_control(
        "Where the model is",
        list(PLACES),
        format_func=PLACES.__getitem__,
        default="address",
        required=True,
        key=f"where-{place}",
        persist_state="session",
    )
    left, right = st.columns(2)
    with left:
        if kind == "provider":
            where = st.text_input(
                "Provider", value="auto", key=f"provider-{place}", max_chars=60, persist_state="session", help=_OF_PROVIDERS
            )
        else:
            where = st.text_input(
                "Address",
                key=f"address-{place}",
                max_chars=500,
                persist_state="session",
                placeholder="https://host/v1",
                help=_of_addresses(),
            )
    with right:
        model = st.text_input(
            "Name of the model", key=f"model-{place}", max_chars=200, persist_state="session", placeholder="as the endpoint calls it"
        )
    missing = [name for name, value in ((kind, where), ("model", model)) if not value.strip()]
    if missing:
        st.caption(f"To ask a model, give {' and '.join(f'the {name}' for name in missing)}.")
        return None
    try:
        endpoint = Endpoint(model.strip(), **{str(kind): where.strip()})
        if endpoint.address:
            _check(endpoint.address)
    except InputError as error:
        show.mistake(error)
        return None
    return endpoint


_OF_PROVIDERS = "One of those that serve the model on the Hugging Face Hub, or auto for whichever does."


def _of_addresses() -> str:
    which = (
        f"{SETTING}=1 is set, so plain http and private networks are called too."
        if private_allowed()
        else f"Only public hosts. Who runs this on their own machine can set {SETTING}=1 to call a model there."
    )
    return f"{ACCEPTED}. {which}"


def _check(address: str) -> None:
    """As `check_address`, but without a look-up each time that the page is drawn.

    Raises:
        InputError: it is not called from here.
    """
    held: tuple[tuple[str, bool], float, InputError | None] | None = st.session_state.get("looked-up")
    asked = (address, private_allowed())
    if held is None or held[0] != asked or time.monotonic() - held[1] > LOOKED_UP:
        error = None
        try:
            check_address(address, allow_private=private_allowed())
        except InputError as caught:
            error = caught
        held = st.session_state["looked-up"] = (asked, time.monotonic(), error)
    if held[2] is not None:
        raise held[2].with_traceback(None)


def _key_field(place: str, endpoint: Endpoint | None) -> str:
    if endpoint:
        host = urlsplit(endpoint.address).netloc
        if st.session_state.setdefault(f"key-of-{place}", host) != host:
            # A key that was given for one host is not sent to another that is tried next.
            st.session_state[f"key-of-{place}"], st.session_state[f"key-{place}"] = host, ""
    key = st.text_input(
        "Key or token",
        type="password",
        key=f"key-{place}",
        max_chars=4096,
        autocomplete="off",
        persist_state="session",
        help="It is sent to this endpoint alone, is in no file, log, message or address bar, and is gone when you close the tab or turn to another "
        "host; a run that goes on has it until it is done.",
    ).strip()
    if endpoint and not key:
        variable = key_for(endpoint)[1] if own_machine() else ""
        st.caption(f"The key of {variable} in this machine's environment is used." if variable else _NO_KEY)
    return key


# Streamlit takes what is in a password field by Enter, or by a click elsewhere, but not by the tabulator.
_NO_KEY = "No key is sent. Press Enter behind one that you give."


def _of_environment(endpoint: Endpoint) -> str | None:
    return key_for(endpoint)[0] if own_machine() else None


def _limit_fields(place: str) -> tuple[float | int | None, ...]:
    """Concurrency, requests a minute, the two prices, the budget and the number of calls; None where a field is empty."""
    first, second = st.columns(3), st.columns(3)
    with first[0]:
        concurrency = st.number_input("Requests at a time", 1, MAX_CONCURRENCY, 4, key=f"concurrency-{place}", persist_state="session")
    with first[1]:
        per_minute = _amount("Requests a minute", f"per-minute-{place}", "Empty: no limit.")
    with first[2]:
        calls = st.number_input(
            "Requests in all", 0, None, None, key=f"calls-{place}", placeholder="no limit", help=_OF_CALLS, persist_state="session"
        )
    with second[0]:
        price_in = _amount("Price in", f"price-in-{place}", "Of a million tokens sent, in whatever money you count.", "not known")
    with second[1]:
        price_out = _amount("Price out", f"price-out-{place}", "Of a million tokens of answers.", "not known")
    with second[2]:
        money = _amount("Budget", f"budget-{place}", "The most that may be spent, at these prices. No request begins that could exceed it.")
    return concurrency, per_minute, price_in, price_out, money, calls


_OF_CALLS = "The most requests that may be charged for; with what the journal has of them."


def _amount(label: str, key: str, words: str, placeholder: str = "no limit") -> float | None:
    found: float | None = st.number_input(
        label, 0.0, None, None, step=None, format="%g", key=key, help=words, placeholder=placeholder, persist_state="session"
    )
    return found


def _limits(
    concurrency: float | None,
    per_minute: float | None,
    price_in: float | None,
    price_out: float | None,
    money: float | None,
    calls: float | None,
) -> Limits:
    if (price_in is None) != (price_out is None):
        raise InputError("One price is missing.", accepted="the prices of a million tokens in and out", remedy="give both, or neither")
    prices = None if price_in is None or price_out is None else Prices(price_in, price_out)
    return Limits(int(concurrency or 1), per_minute, Budget(money, None if calls is None else int(calls)), prices)


def whom(connection: Connection) -> str:
    """Model and place in one line of markdown."""
    return f"{plain_markdown(connection.endpoint.model)}, {plain_markdown(connection.endpoint.place)}"
