"""The form of an endpoint: what it takes, what it refuses and says, and where the key does not go."""

import logging

import pytest

from dissection.dashboard.endpoint_form import Connection, own_machine
from dissection.endpoint.address import Endpoint
from dissection.endpoint.keys import key_for
from dissection.endpoint.limits import Budget, Limits, Prices
from tests.asking_app import AppTest, everything, opened, page
from tests.asking_tools import KEY, laptop
from tests.test_pages import text

__all__ = ["laptop"]  # the fixture

# Nobody is asked by the form; a literal address needs no look-up.
URL = "http://127.0.0.1:9/v1"


def connection(at: AppTest) -> Connection | None:
    found: Connection | None = at.session_state["connection"]
    return found


def errors(at: AppTest) -> str:
    return "\n".join(error.value for error in at.error)


def test_what_is_missing_is_said() -> None:
    at = AppTest.from_function(page, kwargs={"pairs": 5, "study": "x"}).run()
    assert "give the address and the model" in text(at)
    at.text_input(key="model-here").set_value("m").run()
    assert "give the address." in text(at)
    assert connection(at) is None
    at.button_group(key="where-here").set_value("provider").run()
    assert "asked with a token" in errors(at)
    at.text_input(key="key-here").set_value("hf_abc").run()
    assert connection(at) == Connection(Endpoint("m", provider="auto"), "hf_abc", Limits())


def test_every_field_comes_through() -> None:
    at = opened(URL, key=KEY, concurrency=7, per_minute=90.0, price_in=0.2, price_out=0.8, budget=5.0, calls=100)
    limits = Limits(7, 90.0, Budget(5.0, 100), Prices(0.2, 0.8))
    assert connection(at) == Connection(Endpoint("m", URL), KEY, limits)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"price_in": 1.0}, "One price is missing"), ({"budget": 1.0}, "A budget in money needs prices"), ({"per_minute": 0.0}, "a minute")],
)
def test_wrong_limits_are_said(fields: dict[str, float], words: str) -> None:
    at = opened(URL, **fields)
    assert words in errors(at)
    assert connection(at) is None


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:9/v1", "not https"),
        ("https://127.0.0.1/v1", "private network"),
        ("https://169.254.169.254/v1", "private network"),
        ("https://[::1]/v1", "private network"),
        ("https://key@host.example/v1", "not the address of an endpoint"),
        ("https://host.example/v1?key=" + KEY, "not the address of an endpoint"),
        ("ftp://host.example", "not the address of an endpoint"),
    ],
)
def test_other_than_public_https_is_refused_unless_this_is_a_laptop(monkeypatch: pytest.MonkeyPatch, address: str, words: str) -> None:
    monkeypatch.delenv("DISSECTION_PRIVATE_ENDPOINTS")
    at = opened(address)
    assert words in errors(at)
    assert connection(at) is None
    assert KEY not in errors(at)


@pytest.mark.parametrize("key", ["two words", "sk-é", "x" * 4097])
def test_what_can_be_no_key_is_not_repeated(key: str) -> None:
    at = opened(URL, key=key[:4096])
    if len(key) <= 4096:
        assert "no key has" in errors(at)
        assert connection(at) is None
    assert key not in everything(at)


def test_keys_of_the_environment_are_the_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_ENDPOINT_KEY", KEY)
    at = opened(URL)
    assert "The key of DISSECTION\\_ENDPOINT\\_KEY" in text(at) or "The key of DISSECTION_ENDPOINT_KEY" in text(at)
    found = connection(at)
    assert found is not None
    assert found.key == KEY
    assert KEY not in everything(at)
    monkeypatch.setenv("SPACE_ID", "owner/space")
    assert not own_machine()
    found = connection(opened(URL))
    assert found is not None
    assert found.key is None, "a visitor of a Space does not spend its owner's money"


def test_a_key_is_not_sent_to_the_next_host() -> None:
    at = opened(URL, key=KEY)
    at.text_input(key="address-here").set_value(URL.replace("/v1", "/v2")).run()
    found = connection(at)
    assert found is not None
    assert found.key == KEY, "the same host"
    at.text_input(key="address-here").set_value("http://127.0.0.2:9/v1").run()
    found = connection(at)
    assert found is not None
    assert found.key is None
    assert at.text_input(key="key-here").value == ""
    assert "No key is sent" in text(at)
    at.text_input(key="key-here").set_value("sk-of-the-second").run()
    found = connection(at.run())
    assert found is not None
    assert found.key == "sk-of-the-second"
    at.button_group(key="where-here").set_value("provider").run()
    assert connection(at) is None, "nor to a provider"


def test_a_public_server_has_no_key_for_its_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_ENDPOINT_KEY", KEY)
    monkeypatch.delenv("DISSECTION_PRIVATE_ENDPOINTS")
    assert not own_machine()
    found = connection(opened("https://1.1.1.1/v1"))
    assert found is not None
    assert found.key is None


def test_the_key_is_in_nothing_that_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    at = opened(URL, key=KEY)
    assert KEY not in everything(at)
    assert KEY not in repr(connection(at))
    assert KEY not in f"{connection(at)}"
    assert KEY not in caplog.text
    field = at.text_input(key="key-here")
    assert field.proto.type == field.proto.PASSWORD
    assert dict(at.query_params) == {}


def test_the_keys_of_programs_go_to_their_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    assert key_for(Endpoint("m", "https://api.openai.com/v1")) == ("sk-other", "OPENAI_API_KEY")
    found = connection(opened(URL))
    assert found is not None
    assert found.key is None
