"""The Hub's part of the Upload page, as a visitor uses it."""

import pickle
import threading

import pytest
from streamlit.testing.v1 import AppTest

from tests.hub_fixtures import MEMBER, SET, TOKEN, hub, pairs, parquet
from tests.hub_server import Fault, HubServer
from tests.test_pages import Open, open_page

__all__ = ["hub", "open_page"]  # the fixtures


@pytest.fixture
def page(hub: HubServer, open_page: Open) -> AppTest:
    """The Upload page of a new visitor, where a dataset of the Hub is asked for."""
    hub.add(SET, {"data/train-00000-of-00001.parquet": parquet(pairs(40)), "data/test-00000-of-00001.parquet": parquet(pairs(8))})
    return open_page("upload", kind="hub")


def run(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception, [exception.message for exception in at.exception]
    for secret in (TOKEN, MEMBER):
        assert secret not in str(dict(at.query_params))
        assert secret not in "\n".join(str(element.value) for kind in ("markdown", "caption", "error") for element in getattr(at, kind))
    return at


def settled(at: AppTest) -> AppTest:
    """The page when the visitor's download is over."""
    at.session_state["hub_current"].work.wait(30)
    return run(at)


def look(at: AppTest, address: str, token: str = "") -> AppTest:
    at.text_input(key="hub_address").set_value(address)
    at.text_input(key="hub_token").set_value(token)
    run(at)
    at.button(key="hub_look").click()
    return run(at)


def download(at: AppTest) -> AppTest:
    at.button(key="hub_download").click()
    return run(at)


def shown(at: AppTest) -> str:
    return "\n".join(str(element.value) for element in (*at.markdown, *at.caption))


def keys(at: AppTest) -> set[str]:
    return {str(button.key) for button in at.button}


def test_the_way_of_a_dataset(page: AppTest, hub: HubServer) -> None:
    assert "GAIR/preference-dissection" in page.dataframe[0].value["Dataset"].tolist()
    assert "None" not in [str(element.value) for element in page.markdown], "what functions return is not drawn"
    assert not hub.asked, "the Hub is asked when the visitor says so"
    page.text_input(key="hub_address").set_value(f"https://huggingface.co/datasets/{SET}/tree/main")
    run(page)
    assert "hub_look" in keys(page)
    page.button(key="hub_look").click()
    run(page)
    assert page.selectbox(key="hub_part").options == ["default/test", "default/train"]
    assert page.selectbox(key="hub_part").value == "default/train"
    assert not hub.bodies()
    page.selectbox(key="hub_part").set_value("default/test")
    run(page)
    settled(download(page))
    assert "8 pairs" in shown(page)
    page.selectbox(key="hub_part").set_value("default/train")
    run(page)
    assert "8 pairs" in shown(page), "what was downloaded stands under its own address"
    assert "default/test" in shown(page).replace("\\", "")
    settled(download(page))
    assert "40 pairs" in shown(page)
    page.button(key="hub_open").click()
    run(page)
    assert f"{SET} (yours)" in page.selectbox(key="data").options
    assert any(SET.replace("/", "") in str(element.value).replace("\\", "").replace("/", "") for element in page.success)
    assert "hub_open" not in keys(page)


def test_mistakes_are_said(page: AppTest, hub: HubServer) -> None:
    page.text_input(key="hub_address").set_value("https://huggingface.co/lmsys/vicuna-7b")
    run(page)
    assert "not of a dataset" in page.error[0].value
    page.text_input(key="hub_address").set_value("owner/none")
    run(page)
    page.button(key="hub_look").click()
    run(page)
    assert "private" in page.error[0].value
    page.text_input(key="hub_address").set_value(f"{SET}/default/validation")
    run(page)
    page.button(key="hub_look").click()
    run(page)
    assert "train" in page.error[0].value
    page.text_input(key="hub_address").set_value(f"{SET}/default/test")
    run(page)
    assert "hub_look" not in keys(page), "what is there is known"
    hub.faults = [Fault("HEAD /datasets/", 429, {"Retry-After": "30"}, times=1)]
    settled(download(page))
    assert "30 seconds" in page.error[0].value
    assert "failed" in shown(page)
    settled(download(page))
    assert "hub_open" in keys(page)


def test_a_failed_question_can_be_asked_again(page: AppTest, hub: HubServer) -> None:
    hub.faults = [Fault("GET /api/", 503, times=1)]
    look(page, SET)
    assert "503" in page.error[0].value
    assert "hub_look" in keys(page)
    page.button(key="hub_look").click()
    run(page)
    assert "hub_download" in keys(page)


def test_an_answer_that_is_long_in_coming_does_not_hold_the_page(page: AppTest, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dissection.dashboard.hub_form.SOON", 0.01)
    hub.faults = [Fault("GET /api/", delay=2, times=1)]
    look(page, SET)
    assert "Asking the Hub" in shown(page)
    assert page.button(key="hub_look").disabled
    page.session_state["hub_listing"][1].wait(30)
    run(page)
    assert "hub_download" in keys(page)


def test_a_gated_dataset_opens_with_a_token(page: AppTest, hub: HubServer) -> None:
    hub.repos[SET].gated = True
    look(page, f"{SET}/default/train", TOKEN)
    settled(download(page))
    assert "gated" in page.error[0].value
    page.text_input(key="hub_token").set_value(MEMBER)
    settled(download(page))
    assert "hub_open" in keys(page)
    held = {key: value for key, value in page.session_state._state.filtered_state.items() if key != "hub_token"}
    assert MEMBER not in str(held)
    work = page.session_state["hub_current"].work
    assert MEMBER not in pickled(work.result) + str(vars(work))
    for thread in threading.enumerate():
        if thread.name == "hub":  # and with it the token
            thread.join(10)
            assert not thread.is_alive()


def pickled(value: object) -> str:
    return pickle.dumps(value).decode("latin-1")


def test_a_space_does_not_lend_its_owners_token(page: AppTest, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos[SET].private = True
    monkeypatch.setenv("HF_TOKEN", MEMBER)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    look(page, SET)
    assert "private" in page.error[0].value
    monkeypatch.delenv("SPACE_ID")
    run(page)
    page.button(key="hub_look").click()
    run(page)
    assert not page.error


class LoggedIn(dict[str, bool]):
    """A visitor who came in by the server's login."""

    tokens = {"access": MEMBER}  # noqa: RUF012


def test_a_servers_login_gives_the_visitors_token(page: AppTest, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/space")
    hub.repos[SET].private = True
    page.secrets["auth"] = {"redirect_uri": "https://example.org/oauth2callback"}
    run(page)
    assert "hub_login" in keys(page)
    monkeypatch.setattr("streamlit.user", LoggedIn(is_logged_in=True))
    found = download(look(page, SET))
    assert "hub_open" in keys(settled(found))
