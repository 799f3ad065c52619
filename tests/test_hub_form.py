"""The Hub's part of the Upload page, as a visitor uses it."""

from collections.abc import Callable
from threading import Thread

import pytest
from streamlit.testing.v1 import AppTest

from dissection.dataset import PairDataset
from dissection.hub import open_hub
from dissection.hub.address import HubAddress
from dissection.hub.client import Listing, Progress, Token
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
    page.button(key="hub_download").click()
    run(page)
    shown = "\n".join(str(element.value) for element in page.markdown)
    assert "8 pairs" in shown
    page.selectbox(key="hub_part").set_value("default/train")
    run(page)
    assert "hub_open" not in keys(page), "what is shown is what was chosen"
    page.button(key="hub_download").click()
    run(page)
    page.button(key="hub_open").click()
    run(page)
    assert f"{SET} (yours)" in page.selectbox(key="data").options
    assert any(SET.replace("/", "") in str(element.value).replace("\\", "").replace("/", "") for element in page.success)


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
    page.button(key="hub_look").click()
    hub.faults = [Fault("HEAD /datasets/", 429, {"Retry-After": "30"}, times=1)]
    run(page)
    page.button(key="hub_download").click()
    run(page)
    assert "30 seconds" in page.error[0].value
    page.button(key="hub_download").click()
    run(page)
    assert "hub_open" in keys(page)


def test_a_gated_dataset_opens_with_a_token(page: AppTest, hub: HubServer) -> None:
    hub.repos[SET].gated = True
    page.text_input(key="hub_address").set_value(f"{SET}/default/train")
    page.text_input(key="hub_token").set_value(TOKEN)
    run(page)
    page.button(key="hub_look").click()
    run(page)
    page.button(key="hub_download").click()
    run(page)
    assert "gated" in page.error[0].value
    page.text_input(key="hub_token").set_value(MEMBER)
    page.button(key="hub_download").click()
    run(page)
    assert "hub_open" in keys(page)
    held = {key: value for key, value in page.session_state._state.filtered_state.items() if key != "hub_token"}
    assert MEMBER not in str(held)


def test_a_space_does_not_lend_its_owners_token(page: AppTest, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos[SET].private = True
    monkeypatch.setenv("HF_TOKEN", MEMBER)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    page.text_input(key="hub_address").set_value(SET)
    run(page)
    page.button(key="hub_look").click()
    run(page)
    assert "private" in page.error[0].value
    monkeypatch.delenv("SPACE_ID")
    run(page)
    page.button(key="hub_look").click()
    run(page)
    assert not page.error


def test_progress_may_come_from_another_thread(page: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def from_a_thread(
        address: HubAddress, token: Token, reader: str | None, progress: Callable[[Progress], None], listing: Listing
    ) -> PairDataset:
        thread = Thread(target=progress, args=(Progress(0, 1, 5, 10),))
        thread.start()
        thread.join()
        return open_hub(address, token, reader, progress, listing=listing)

    monkeypatch.setattr("dissection.dashboard.hub_form.open_hub", from_a_thread)
    page.text_input(key="hub_address").set_value(SET)
    run(page)
    page.button(key="hub_look").click()
    run(page)
    caplog.clear()
    page.button(key="hub_download").click()
    run(page)
    assert "ScriptRunContext" not in caplog.text
    assert "hub_open" in keys(page)
