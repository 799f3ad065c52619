"""A dataset of the Hub as the one that visitors see first: `streamlit run app.py -- hf://datasets/owner/name`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.hub_faults_server import SlowHubServer
from tests.hub_fixtures import SET, pairs, parquet, stand_in

APP = Path(__file__).resolve().parents[1] / "app.py"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SlowHubServer]:
    with SlowHubServer() as server:
        stand_in(server, monkeypatch, tmp_path)
        st.cache_resource.clear()
        yield server
        st.cache_resource.clear()


def visit(monkeypatch: pytest.MonkeyPatch, name: str) -> AppTest:
    monkeypatch.setattr(sys, "argv", ["app.py", f"hf://datasets/{name}"])
    at = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not at.exception
    return at


def data(at: AppTest) -> list[str]:
    return next(list(box.options) for box in at.selectbox if box.label == "Data")


def test_visitors_see_it_first(hub: SlowHubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(30))})
    at = visit(monkeypatch, SET)
    assert not at.error
    assert data(at)[0] == SET


def test_where_the_hub_does_not_give_it_the_demo_is_there(hub: SlowHubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    at = visit(monkeypatch, "owner/none-there")
    assert "There is no such dataset, or it is private" in at.error[0].value
    next(box for box in at.selectbox if box.label == "Data").set_value("demo").run()
    assert not at.error
    # It is not asked again at each rerun, though it is there by now.
    hub.add("owner/none-there", {"train.parquet": parquet(pairs(30))})
    assert visit(monkeypatch, "owner/none-there").error
