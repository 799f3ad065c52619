"""The load test's visitors: they see what the server says, choose from it, upload, and count what goes wrong."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks import load, load_visits
from benchmarks.load_client import Page
from benchmarks.load_page import Contents, LoadError
from benchmarks.load_server import Sample, children, flatness, megabytes, processor_seconds
from benchmarks.load_visits import Diary, Done, Fault, Visitor
from dissection.labels import read_labels
from dissection.readers import open_dataset
from tests.browser import served
from tests.conftest import ended

APP = """
import streamlit as st

def first():
    tree = st.selectbox("Tree", ["ash", "birch"], key="tree", format_func=str.upper)
    st.segmented_control("Leaf", ["old", "new"], default="new", key="leaf")
    st.multiselect("Birds", ["owl", "jay"], default=["jay"], key="birds")
    st.checkbox("Wet", key="wet")
    st.markdown(f"{tree} {st.session_state['leaf']} {st.session_state['birds']} {st.session_state['wet']}")
    st.caption("x" * 20_000)
    file = st.file_uploader("File", key="file")
    if file:
        st.markdown(f"{file.name} {file.getvalue().decode()}")
    if st.button("Fall", key="fall"):
        st.error("It fell.")
    if st.button("Break", key="break"):
        raise ValueError("broken")
    st.fragment(lambda: st.markdown("ticked"), run_every=0.1)()

def second():
    st.markdown("second")

st.sidebar.selectbox("Everywhere", ["a", "b"], key="everywhere", persist_state="session")
st.navigation([st.Page(first), st.Page(second)]).run()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    script = tmp_path_factory.mktemp("load") / "script.py"
    script.write_text(APP)
    with served(script) as address:
        yield address


def test_a_visit(server: str) -> None:
    async def visit() -> None:
        page = Page(server)
        await page.open()
        assert sorted(page.pages) == ["first", "second"]
        assert [(widget.key, widget.chosen) for widget in page.widgets() if widget.options] == [
            ("tree", ("ASH",)),
            ("leaf", ("new",)),
            ("birds", ("jay",)),
            ("wet", ("off",)),
            ("everywhere", ("a",)),
        ]
        assert await page.choose(page.widget("tree"), "BIRCH") > 0
        await page.choose(page.widget("leaf"), "old")
        await page.choose(page.widget("birds"), "owl", "jay")
        await page.choose(page.widget("wet"), "on")
        assert "birch old ['owl', 'jay'] True" in page.texts("markdown")
        sent = page.received
        await page.again()
        assert page.received - sent < 20_000, "the long text is not sent twice"
        assert any(len(text) == 20_000 for text in page.texts("markdown")), "and still there"
        await page.choose(page.widget("everywhere"), "b")
        await page.turn_to("second")
        assert [widget.key for widget in page.widgets()] == ["everywhere"]
        assert page.widget("everywhere").chosen == ("b",)
        assert page.texts("markdown") == ["second"]
        assert not page.errors
        await page.close()

    ended(visit())


def test_what_draws_itself_anew_is_asked_for(server: str) -> None:
    async def visit() -> None:
        page = Page(server)
        await page.open()
        async with asyncio.timeout(30):
            while len(page.reruns) < 2:
                await asyncio.sleep(0.05)
        assert "ticked" in page.texts("markdown"), "a part that draws itself anew leaves the rest of the page as it is"
        assert page.widget("tree").chosen == ("ASH",)
        await page.turn_to("second")
        seen = len(page.reruns)
        await asyncio.sleep(0.3)
        assert len(page.reruns) == seen
        await page.close()

    ended(visit())


def test_errors_are_counted_once(server: str) -> None:
    async def visit() -> None:
        visitor = Visitor("v", server, Diary(), 0.0, 0)
        await visitor.do("open", "first", visitor.page.open())
        await visitor.press("fall", "filter")
        await visitor.press("fall", "filter")
        assert [(fault.what, fault.words) for fault in visitor.diary.faults] == [("filter fall: error element", "It fell.")]
        await visitor.press("break", "filter")
        assert visitor.diary.faults[-1].what == "filter break: exception"
        assert [done.kind for done in visitor.diary.done] == ["open", "filter", "filter", "filter"]
        await visitor.page.close()

    ended(visit())


def test_an_upload(server: str) -> None:
    async def visit() -> None:
        visitor = Visitor("v", server, Diary(), 0.0, 0)
        await visitor.page.open()
        await visitor.upload("file", "words.txt", b"leaf")
        assert "words.txt leaf" in visitor.page.texts("markdown")
        assert [done.kind for done in visitor.diary.done] == ["upload: transfer", "upload: read"]
        await visitor.page.close()
        with pytest.raises(LoadError, match="the upload was refused: 4"):
            load_visits.put(server, "/_stcore/upload_file/nobody/nothing", "words.txt", b"leaf")

    ended(visit())


def test_a_server_that_goes_is_an_error() -> None:
    async def visit() -> list[Fault]:
        visitor = Visitor("v", "http://127.0.0.1:9", Diary(), 0.0, 0)
        await visitor.visit(1.0, [])
        return visitor.diary.faults

    (fault,) = ended(visit())
    assert fault.what == "visit"


def test_a_visitor_looks_around(server: str) -> None:
    async def visit() -> None:
        visitor = Visitor("v", server, Diary(), 0.0, 0)
        await visitor.do("open", "first", visitor.page.open())
        for _ in range(20):
            await visitor.look_around()
        assert {done.kind for done in visitor.diary.done} == {"open", "page", "filter"}
        assert {done.what for done in visitor.diary.done} >= {"first", "second", "tree", "leaf"}
        assert not visitor.diary.faults
        await visitor.page.close()

    ended(visit())


def test_errands_are_run_whatever_the_time(server: str) -> None:
    visitor = Visitor("v", server, Diary(), 0.0, 0)
    ran = []

    async def errand(who: Visitor) -> None:
        ran.append(who.name)

    ended(visitor.visit(0.0, [(0.0, errand), (0.0, errand)]))
    assert ran == ["v", "v"]


def test_a_visitor_leaves_and_the_next_one_comes(server: str) -> None:
    async def visit() -> tuple[Visitor, list[str]]:
        visitor = Visitor("v", server, Diary(), 0.4, 0, stay=1.0)
        sessions = []

        async def errand(who: Visitor) -> None:
            sessions.append(who.page.session_id)

        await visitor.visit(6.0, [(0.3, errand), (5.9, errand)])
        return visitor, sessions

    visitor, sessions = ended(visit())
    kinds = [done.kind for done in visitor.diary.done]
    again = kinds.index("open", 1)
    assert load_visits.PROGRESS in kinds[:again], "what a session saw is not lost when it is over"
    assert sessions[0] != sessions[1], "the next one is somebody else"
    assert visitor.received > visitor.page.received > 0
    assert not visitor.diary.faults


def message(kind: str, run: str, **more: object) -> ForwardMsg:
    found = ForwardMsg()
    if kind == "new_session":
        found.new_session.page_script_hash = "p"
    elif kind == "text":
        found.delta.new_element.markdown.body = str(more["body"])
        found.delta.fragment_id = str(more.get("fragment", ""))
        found.metadata.delta_path.extend(more["path"])  # type: ignore[arg-type]
        return found
    else:
        found.script_finished = more.get("status", ForwardMsg.FINISHED_SUCCESSFULLY)  # type: ignore[assignment]
    found.metadata.run.script_run_id = run
    found.metadata.run.fragment_ids.extend(more.get("fragments", []))  # type: ignore[arg-type]
    return found


def test_what_a_run_did_not_make_again_is_gone() -> None:
    page = Contents()
    for one in (
        message("new_session", "1"),
        message("text", "1", body="a", path=[0, 0]),
        message("text", "1", body="b", path=[0, 1], fragment="f"),
        message("text", "1", body="c", path=[0, 2], fragment="f"),
        message("script_finished", "1"),
        message("new_session", "2", fragments=["f"]),
        message("text", "2", body="d", path=[0, 1], fragment="f"),
        message("script_finished", "2", fragments=["f"], status=ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY),
    ):
        page.take(one)
    assert page.texts("markdown") == ["a", "d"]
    page.take(message("new_session", "3"))
    page.take(message("script_finished", "3", status=ForwardMsg.FINISHED_EARLY_FOR_RERUN))
    assert page.texts("markdown") == ["a", "d"]
    page.take(message("script_finished", "3"))
    assert page.texts("markdown") == []


def test_flatness() -> None:
    seconds = [5.0 * i for i in range(120)]
    rising = [100.0 if at < 200 else 100 + at / 60 * 3 for at in seconds]
    found = flatness(seconds, rising)
    assert found is not None
    assert found.slope == pytest.approx(3.0, abs=0.01)
    assert found.error < 0.01
    assert found.last - found.second == pytest.approx(3 * 200 / 60, rel=0.02)
    noisy = flatness(seconds, [100 + float(x) for x in np.random.default_rng(0).normal(size=120)])
    assert noisy is not None
    assert abs(noisy.slope) < 3 * noisy.error
    assert flatness(seconds[:5], rising[:5]) is None


def test_results() -> None:
    done = [Done("filter", "Dissect", "group", 0.0, seconds) for seconds in [0.1] * 95 + [2.0] * 5]
    done += [Done("browser: page, drawn", "Dissect", "", 0.0, 9.0), Done("upload: transfer", "Upload", "", 0.0, 9.0)]
    found = load.summary([one.seconds for one in load.reruns(done)])
    assert (found["n"], found["median"], found["worst"]) == (100, 0.1, 2.0)
    assert load.summary([]) == {"n": 0}
    samples = [Sample(5.0 * i, 300.0 + (i == 3), 10.0, 2) for i in range(60)]
    assert load.memory(samples)["server"]["largest"] == 301.0
    assert abs(load.memory(samples)["server"]["slope"]) < 1e-9
    courses = {"x": [(10.0, 0), (12.0, 1), (16.0, 2)], "y": [(10.5, 0), (13.0, 1)], "z": []}
    assert load.fairness(courses) == {
        "courses": {"x": [(0.0, 0), (2.0, 1), (6.0, 2)], "y": [(0.0, 0), (2.5, 1)]},
        "order": ["x", "y", "x"],
    }


def test_what_is_uploaded_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_visits, "UPLOADED_PAIRS", 40)
    dataset = open_dataset(load_visits.dataset_file(1), "pairs.jsonl.gz")
    assert len(dataset) == 40
    assert load_visits.dataset_file(1) != load_visits.dataset_file(2)
    demo = open_dataset(load_visits.DATA_FOLDER / "demo.jsonl.gz")
    (report,) = read_labels(load_visits.labels_file(1), "labels.csv", demo)
    assert report.matched == len(demo)


def test_how_far_a_job_is() -> None:
    page = Contents()
    assert load_visits.how_far(page) == (0, 0)
    page.take(message("text", "", body="1 of 4 cells · about 20 s left", path=[1, 0]))
    assert load_visits.how_far(page) == (1, 4)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_what_a_process_takes() -> None:
    own = os.getpid()
    assert 10 < megabytes(own) < 10_000
    assert processor_seconds(own) > 0
    assert own not in children(own)
    assert megabytes(2**22 + 1) == processor_seconds(2**22 + 1) == 0.0


def test_the_command_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load.main(["--sessions", "5", "--browsers", "5"])
    assert "at least one session has to be scripted" in capsys.readouterr().err
    assert json.dumps(load.summary([0.5]))
