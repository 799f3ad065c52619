"""Every page in every state, without a browser: `AppTest` runs the app as a session would."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from dissection.dashboard import behind

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app.py"
TITLES = {
    "overview": "What do these judges want?",
    "dissect": "Dissect",
    "compare": "Compare",
    "similarity": "Similarity",
    "substance": "Style or substance",
    "manipulate": "Manipulate",
    "scores": "Scores",
    "diagnostics": "Diagnostics",
    "pairs": "Pairs",
    "annotate": "Annotate",
    "judges": "Judges",
    "upload": "Upload",
    "doctor": "Doctor",
    "export": "Export",
    "community": "Community",
    "method": "Method",
}
PAGES = tuple(TITLES)
VIEWS = ("judges", "scenarios", "dots")
MARKUP = "<b>x</b>"
SPECIALS = "*_[x](y)`$"

Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a page of a new session: `open_page("dissect", file, group="Code")`; of the demo where no file is given."""
    # A server takes a folder named `pages` for Streamlit's first form of multipage apps until `app.py` has run once; `AppTest` forgets at
    # each run that it has. `test_page_of_a_new_server` leaves this out.
    initialise = PagesManager.__init__

    def initialise_as_later(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        initialise(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", initialise_as_later)
    # No browser asks again for what is made behind a page.
    monkeypatch.setattr(behind, "WAITED_SECONDS", 60.0)

    def opened(page: str, file: Path | None = None, **query: str) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py", *([str(file)] if file else [])])
        at = AppTest.from_file(APP, default_timeout=90)
        at.query_params.update(query)
        return go(at, page)

    return opened


def go(at: AppTest, page: str) -> AppTest:
    """Turn to a page of the same session; nothing may break on the way."""
    return run(at.switch_page(f"pages/{page}.py"))


def run(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception, [exception.message for exception in at.exception]
    return at


def figures(at: AppTest) -> list[dict[str, Any]]:
    """The Plotly figures on the page, as the browser gets them."""
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]  # type: ignore[attr-defined]


def hover(figure: dict[str, Any]) -> list[str]:
    return [text for trace in figure["data"] for text in trace.get("hovertext", [])]


def cells(at: AppTest) -> pd.DataFrame:
    """The table behind the first chart."""
    if not at.dataframe:  # the table behind a chart is made when it is unfolded
        for key in ("judges", "scenarios", "dots"):
            at.session_state[f"table-{key}"] = True
        at.run()
    return at.dataframe[0].value


def text(at: AppTest) -> str:
    """Everything the page says outside charts and tables."""
    kinds = ("title", "subheader", "caption", "markdown", "text", "info", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(at, kind))


def options(at: AppTest, key: str) -> list[str]:
    return list(at.selectbox(key=key).options)


def write(folder: Path, rows: Sequence[dict[str, Any]], name: str = "mine.jsonl") -> Path:
    """A native file."""
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows(
    n: int = 60,
    judges: Sequence[str] = ("one", "two"),
    properties: Sequence[str] = ("polite", "longer"),
    scenarios: Sequence[str] = ("Code", "Advice"),
) -> list[dict[str, Any]]:
    """Pairs on which every judge prefers what has more of the first property, three times of four; the second judge the other way round."""
    found: list[dict[str, Any]] = []
    for i in range(n):
        sign = 1 if i % 2 else -1
        prefers = "a" if (sign > 0) == (i % 4 != 3) else "b"
        other = "b" if prefers == "a" else "a"
        found.append(
            {
                "pair_id": f"p{i:03}",
                "scenario": scenarios[i // 2 % len(scenarios)],
                "query": f"Question {i}?",
                "response_a": f"One answer to question {i}.",
                "response_b": f"Another answer to question {i}, a little longer.",
                "labels": {judge: other if place % 2 else prefers for place, judge in enumerate(judges)},
                "properties": {
                    name: {"comparison": (sign, -sign, 0)[(i + place) % 3] if place else sign} for place, name in enumerate(properties)
                },
            }
        )
    return found


def without(found: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in keys} for row in found]


# Files


def no_verdicts_in_a_group() -> list[dict[str, Any]]:
    found = rows()
    for row in found:
        if row["scenario"] == "Code":
            row["labels"]["two"] = None
    return found


MADE_UP: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "usual": rows,
    "one judge": lambda: rows(judges=["one"]),
    "no judge": lambda: without(rows(), "labels"),
    "one scenario": lambda: rows(scenarios=["Code"]),
    "no scenario": lambda: without(rows(), "scenario"),
    "no texts": lambda: without(rows(), "query", "response_a", "response_b"),
    "no properties": lambda: without(rows(), "properties"),
    "no verdicts in a group": no_verdicts_in_a_group,
    "one pair": lambda: rows(n=1),
    "markup": lambda: rows(judges=[MARKUP, SPECIALS], properties=[MARKUP, SPECIALS], scenarios=[MARKUP, SPECIALS]),
}


@pytest.mark.parametrize("page", PAGES)
def test_page_of_the_demo(open_page: Open, page: str) -> None:
    at = open_page(page)
    assert [title.value for title in at.title] == [TITLES[page]]
    assert not at.error
    assert not at.warning
    if page != "method":
        assert "imulated" in text(at)


@pytest.mark.parametrize("page", PAGES)
def test_page_of_a_new_server(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py"])
    at = go(AppTest.from_file(APP, default_timeout=90), page)
    assert [title.value for title in at.title] == [TITLES[page]]
    assert at.sidebar.selectbox(key="data").value == "demo"


@pytest.mark.parametrize("state", MADE_UP)
@pytest.mark.parametrize("page", PAGES)
def test_page_of_a_made_up_file(open_page: Open, tmp_path: Path, page: str, state: str) -> None:
    at = open_page(page, write(tmp_path, MADE_UP[state]()))
    assert [title.value for title in at.title] == [TITLES[page]]
    assert not at.error


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["llmbar.jsonl", "haluquestqa.jsonl", "published_weights/fitted_paras_comparison"])
def test_page_of_real_data(open_page: Open, shared: Path, page: str, name: str) -> None:
    at = open_page(page, shared / name)
    assert [title.value for title in at.title] == [TITLES[page]]
    assert not at.error
    assert not at.warning
    assert "Simulated data" not in text(at)


@pytest.mark.parametrize("state", MADE_UP)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("sort", ["family", "value", "cluster", "name"])
def test_every_view_and_order_of_dissect(open_page: Open, tmp_path: Path, state: str, view: str, sort: str) -> None:
    at = open_page("dissect", write(tmp_path, MADE_UP[state]()), view=view, sort=sort)
    if state == "no judge":
        assert not figures(at)
        return
    assert at.button_group(key="view").value == view
    assert at.button_group(key="sort").value == sort
    assert len(figures(at)) == 1


# What each page shows


def test_overview_says_what_a_judge_wants_with_intervals_and_n(open_page: Open) -> None:
    at = open_page("overview")
    said = text(at)
    assert "human" in said.split("\n")[0] or "**human**" in said
    assert "n = " in said
    assert "95 %" in said
    assert "-badge[" in said
    table = cells(at)
    assert {"judge", "verdicts", "ties", "missing", "kappa", "kappa_95"} <= set(table.columns)
    assert len(table) == 14
    assert table.loc[table["judge"] == "human", "kappa"].isna().all()


def test_the_heatmap_of_the_demo_has_a_cell_for_every_judge_and_property(open_page: Open) -> None:
    at = open_page("dissect", group="Code")
    table = cells(at)
    assert len(table) == 14 * 29
    assert set(table["group"]) == {"Code"}
    (figure,) = figures(at)
    said = hover(figure)
    assert len(said) == 14 * 29
    assert all("n = " in cell for cell in said)
    assert all("95 %" in cell for cell, status in zip(said, table["status"], strict=True) if status == "fitted")
    reading = "\n".join(caption.value for caption in at.caption)
    assert "n = " in reading
    assert "95 %" in reading


def test_published_weights_have_no_intervals_and_no_pairs(open_page: Open, published: Path) -> None:
    at = open_page("dissect", published)
    assert len(cells(at)) == 33 * 29
    assert set(cells(at)["status"]) == {"point estimate"}
    assert "no interval" in text(at).lower()
    pairs = go(at, "pairs")
    assert pairs.info
    assert not figures(pairs)
    assert go(at, "upload").info
    assert not at.file_uploader
    assert len(figures(go(at, "similarity"))) == 2


def test_without_a_judge_each_page_says_so(open_page: Open, tmp_path: Path) -> None:
    file = write(tmp_path, MADE_UP["no judge"]())
    for page in ("overview", "dissect", "similarity", "pairs"):
        at = open_page(page, file)
        assert at.info, page
        assert "judge" in at.info[0].value
        assert not figures(at)


def test_one_judge_has_no_similarity_and_it_says_so(open_page: Open, shared: Path) -> None:
    at = open_page("similarity", shared / "haluquestqa.jsonl")
    assert "two" in at.info[0].value
    assert not figures(at)
    assert len(figures(open_page("dissect", shared / "haluquestqa.jsonl"))) == 1


def test_pairs_without_texts_say_so(open_page: Open, tmp_path: Path) -> None:
    at = open_page("pairs", write(tmp_path, MADE_UP["no texts"]()))
    assert any("no texts" in info.value for info in at.info)
    assert not at.text


def test_a_judge_without_verdicts_in_a_group_is_shown_without_numbers(open_page: Open, tmp_path: Path) -> None:
    file = write(tmp_path, MADE_UP["no verdicts in a group"]())
    at = open_page("dissect", file, group="Code")
    table = cells(at)
    assert set(table.loc[table["judge"] == "two", "status"]) == {"no verdicts"}
    assert table.loc[table["judge"] == "two", "percent"].isna().all()
    assert set(table.loc[table["judge"] == "one", "status"]) == {"fitted"}
    assert any("no verdicts" in cell for cell in hover(figures(at)[0]))
    assert "No explanation" in text(open_page("pairs", file, group="Code", judge="two"))
    assert "no verdicts" in text(open_page("overview", file, judge="two"))


@pytest.mark.parametrize("view", VIEWS)
def test_names_with_markup_are_shown_as_they_are(open_page: Open, tmp_path: Path, view: str) -> None:
    at = open_page("dissect", write(tmp_path, MADE_UP["markup"]()), view=view)
    (figure,) = figures(at)
    assert MARKUP not in json.dumps([figure["layout"]["xaxis"].get("ticktext"), figure["layout"]["yaxis"]["ticktext"]])
    names = hover(figure)
    assert names
    assert not any(MARKUP in name for name in names)
    assert any("&lt;b&gt;x&lt;/b&gt;" in name for name in names)
    assert any(SPECIALS in name for name in names)


@pytest.mark.parametrize("page", ["overview", "dissect", "similarity", "pairs", "upload"])
def test_markdown_in_names_is_not_obeyed(open_page: Open, tmp_path: Path, page: str) -> None:
    at = open_page(page, write(tmp_path, MADE_UP["markup"](), name="[x](y)`$.jsonl"))
    # `st.text` and values of widgets show text as it is; Markdown has to be escaped.
    for kind in ("title", "subheader", "caption", "markdown", "info", "warning"):
        for element in getattr(at, kind):
            assert "[x](y)" not in element.value, (kind, element.value)
            assert MARKUP not in element.value, (kind, element.value)


# The address bar


def test_the_address_restores_the_view(open_page: Open) -> None:
    at = open_page("dissect", group="Code", sort="name", judges="human")
    assert at.selectbox(key="group").value == "Code"
    assert at.button_group(key="sort").value == "name"
    assert at.multiselect(key="judges").value == ["human"]
    assert len(cells(at)) == 29
    assert set(cells(at)["group"]) == {"Code"}


def test_the_address_restores_model_and_prior_scale(open_page: Open) -> None:
    at = open_page("dissect", model="paper", b="0.5")
    assert at.sidebar.selectbox(key="model").value == "paper"
    assert at.sidebar.select_slider(key="b").value == 0.5


def test_the_address_restores_a_pair_and_its_filters(open_page: Open) -> None:
    at = open_page("pairs", judge="human", group="Code", property="polite", sign="A has more")
    first = at.query_params["pair"]
    assert at.selectbox(key="judge").value == "human"
    assert at.selectbox(key="property").value == "polite"
    next_button(at).click()
    second = run(at).query_params["pair"]
    assert second != first
    again = open_page("pairs", judge="human", group="Code", property="polite", sign="A has more", pair=second)
    assert [element.value for element in again.text] == [element.value for element in at.text]


def next_button(at: AppTest) -> Any:
    return next(button for button in at.button if button.label == "Next")


def test_next_and_previous_walk_in_a_ring(open_page: Open, tmp_path: Path) -> None:
    at = open_page("pairs", write(tmp_path, rows(n=4)))
    seen = [at.query_params["pair"]]
    for _ in range(4):
        next_button(at).click()
        seen.append(run(at).query_params["pair"])
    assert seen == ["p000", "p001", "p002", "p003", "p000"]
    next(button for button in at.button if button.label == "Previous").click()
    assert run(at).query_params["pair"] == "p003"


def test_overview_opens_the_judge_of_the_address(open_page: Open) -> None:
    assert open_page("overview", judge="maple-large").selectbox(key="judge").value == "maple-large"


@pytest.mark.parametrize(
    "query", [{"group": "no such"}, {"judge": "no such"}, {"sort": "no such"}, {"view": "no such"}, {"model": "x", "b": "7"}]
)
@pytest.mark.parametrize("page", ["overview", "dissect", "similarity", "pairs"])
def test_nonsense_in_the_address_breaks_nothing(open_page: Open, page: str, query: dict[str, str]) -> None:
    assert open_page(page, **query).title


def test_an_unknown_dataset_in_the_address_is_explained(open_page: Open) -> None:
    at = open_page("dissect", data="own-12345678")
    assert len(at.warning) == 1
    assert "another visitor" in at.warning[0].value
    assert len(figures(at)) == 1


def test_an_unknown_pair_in_the_address_is_explained(open_page: Open) -> None:
    at = open_page("pairs", pair="no-such-pair")
    assert "pair" in at.warning[0].value
    assert at.query_params["pair"] == "demo-0001"
    assert at.text


def test_markdown_in_the_address_is_not_obeyed(open_page: Open) -> None:
    at = open_page("pairs", pair="[x](https://example.org)")
    assert "[x](" not in at.warning[0].value


def test_filters_that_no_pair_fulfils_are_explained(open_page: Open) -> None:
    at = open_page("pairs", text="qwertyuiop no text holds this")
    assert at.info
    assert not at.text


# Model and prior scale


def test_model_and_prior_scale_change_the_numbers(open_page: Open) -> None:
    at = open_page("dissect", group="Code")
    before = cells(at)["percent"]
    at.sidebar.select_slider(key="b").set_value(0.02)
    careful = cells(run(at))["percent"]
    assert (careful - 50).abs().mean() < 0.7 * (before - 50).abs().mean()
    at.sidebar.select_slider(key="b").set_value(0.1)
    at.sidebar.selectbox(key="model").set_value("paper")
    paper = cells(run(at))["percent"]
    assert (paper - before).abs().max() > 0.01
    at.sidebar.selectbox(key="model").set_value("standard")
    pd.testing.assert_series_equal(cells(run(at))["percent"], before)


def test_model_and_prior_scale_hold_on_the_next_page(open_page: Open) -> None:
    at = open_page("dissect", model="paper", b="0.5")
    go(at, "pairs")
    assert at.sidebar.selectbox(key="model").value == "paper"
    assert at.sidebar.select_slider(key="b").value == 0.5


# Files on the command line


@pytest.mark.parametrize(
    "content", [None, b"", b"\x00\x01 not a dataset", b'{"pair_id": "p1"}\n'], ids=["missing", "empty", "binary", "no pairs"]
)
def test_a_file_that_cannot_be_opened_is_explained_and_the_demo_offered(open_page: Open, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.jsonl"
    if content is not None:
        path.write_bytes(content)
    at = open_page("dissect", path)
    assert len(at.error) == 1
    assert not at.title
    data = at.sidebar.selectbox(key="data")
    assert len(data.options) == 2
    data.set_value("demo")
    run(at)
    assert not at.error
    assert len(figures(at)) == 1


# Upload


def labels_csv(ids: Sequence[str], judge: str = "mine") -> bytes:
    return (f"pair_id,{judge}\n" + "".join(f"{pair_id},{'ab'[i % 2]}\n" for i, pair_id in enumerate(ids))).encode()


def upload(at: AppTest, data: bytes, name: str = "mine.csv") -> AppTest:
    at.file_uploader[0].set_value((name, data, "application/octet-stream"))
    return run(at)


def add(at: AppTest, key: str = "add") -> AppTest:
    at.button(key=key).click()
    return run(at)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write(tmp_path, rows())


IDS = [f"p{i:03}" for i in range(60)]


def test_an_uploaded_judge_is_on_every_page(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), labels_csv(IDS))
    assert {metric.label: metric.value for metric in at.metric}["Matched pairs"] == "60"
    add(at)
    assert "mine" in at.success[0].value
    assert not at.error, "the file that was added is not read again"
    assert "mine (yours)" in options(go(at, "overview"), "judge")
    assert "mine (yours)" in list(cells(at)["judge"])
    assert "mine" in set(cells(go(at, "dissect"))["judge"])
    assert "mine (yours)" in at.multiselect(key="judges").options
    assert "mine" in str(figures(go(at, "similarity"))[0])
    assert "mine (yours)" in options(go(at, "pairs"), "judge")
    go(at, "upload")
    at.button(key="remove-mine").click()
    run(at)
    assert "mine" not in set(cells(go(at, "dissect"))["judge"])


def test_an_uploaded_judge_is_seen_in_its_own_session_alone(open_page: Open, small: Path) -> None:
    mine = add(upload(open_page("upload", small), labels_csv(IDS)))
    theirs = open_page("dissect", small)
    assert "mine" not in set(cells(theirs)["judge"])
    assert "mine" in set(cells(go(mine, "dissect"))["judge"])
    add(upload(go(theirs, "upload"), labels_csv(IDS[::-1])))
    both = [cells(go(at, "dissect")) for at in (mine, theirs)]
    ours, other = (table.loc[table["judge"] == "mine", "percent"].to_numpy() for table in both)
    assert abs(ours - other).max() > 0.1


def test_a_judge_stays_with_its_dataset(open_page: Open, small: Path) -> None:
    at = add(upload(open_page("upload", small), labels_csv(IDS)))
    at.sidebar.selectbox(key="data").set_value("demo")
    assert "mine" not in set(cells(go(run(at), "dissect"))["judge"])
    at.sidebar.selectbox(key="data").set_value("file")
    assert "mine" in set(cells(run(at))["judge"])


def test_a_list_of_the_wrong_length_is_refused_with_both_lengths(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), json.dumps(["a", "b", "a"]).encode(), "three.json")
    said = at.error[0].value
    assert "3" in said
    assert "60" in said
    assert not [button for button in at.button if button.key == "add"]
    assert set(cells(go(at, "dissect"))["judge"]) == {"one", "two"}


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01\x02", b"pair_id\np000\n", b"<html>", b'pair_id,x\np000,"a'], ids=["empty", "binary", "ids", "html", "cut"]
)
def test_labels_that_cannot_be_read_are_refused(open_page: Open, small: Path, data: bytes) -> None:
    at = upload(open_page("upload", small), data)
    assert at.error or at.warning
    assert not [button for button in at.button if button.key == "add"]


def test_what_1_stands_for_is_asked(open_page: Open, small: Path) -> None:
    data = ("pair_id,mine\n" + "".join(f"{pair_id},{i % 2}\n" for i, pair_id in enumerate(IDS))).encode()
    at = upload(open_page("upload", small), data)
    assert at.radio(key="meaning").value is None
    assert not [button for button in at.button if button.key == "add"]
    at.radio(key="meaning").set_value("A wins")
    run(at)
    assert at.metric[0].value == "60"
    add(at)
    assert "mine" in at.success[0].value


def test_a_taken_name_is_asked_for_again(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), labels_csv(IDS, "one"))
    assert "one" in at.error[0].value
    at.text_input(key="rename-one").set_value("another")
    run(at)
    add(at)
    assert "another" in at.success[0].value
    assert "another" in set(cells(go(at, "dissect"))["judge"])


def test_labels_of_no_pair_cannot_be_added(open_page: Open, small: Path) -> None:
    at = upload(open_page("upload", small), labels_csv(["x", "y"]))
    assert at.warning or at.error
    assert not [button for button in at.button if button.key == "add"]


def test_an_uploaded_dataset_is_opened_chosen_and_removed(open_page: Open) -> None:
    at = open_page("upload", kind="dataset")
    data = "".join(json.dumps(row) + "\n" for row in rows()).encode()
    add(upload(at, data, "brought.jsonl"), "open")
    key = at.sidebar.selectbox(key="data").value
    assert key.startswith("own-")
    assert any("brought" in option for option in at.sidebar.selectbox(key="data").options)
    assert set(cells(go(at, "dissect"))["judge"]) == {"one", "two"}
    assert not any("brought" in option for option in open_page("dissect").sidebar.selectbox(key="data").options)
    go(at, "upload").button_group(key="kind").set_value("dataset")
    run(at)
    at.button(key=f"remove-{key}").click()
    run(at)
    assert at.sidebar.selectbox(key="data").value == "demo"
    assert len(set(cells(go(at, "dissect"))["judge"])) == 14


def test_two_datasets_of_one_name_are_told_apart(open_page: Open) -> None:
    at = open_page("upload", kind="dataset")
    for judge in ("first", "second"):
        data = "".join(json.dumps(row) + "\n" for row in rows(judges=[judge])).encode()
        add(upload(at, data, "brought.jsonl"), "open")
        go(at, "upload").button_group(key="kind").set_value("dataset")
        run(at)
    first, second = (key for key in at.session_state["own_datasets"])
    for key, judge in ((first, "first"), (second, "second"), (first, "first")):
        at.sidebar.selectbox(key="data").set_value(key)
        run(at)
        assert at.sidebar.selectbox(key="data").value == key
        assert set(cells(go(at, "dissect"))["judge"]) == {judge}


def test_a_dataset_that_cannot_be_read_is_refused(open_page: Open) -> None:
    at = upload(open_page("upload", kind="dataset"), b'{"pair_id": "p1"}\n', "x.jsonl")
    assert at.error
    assert not [button for button in at.button if button.key == "open"]


# The process


def test_pages_never_import_the_sampler() -> None:
    script = f"""
import sys
sys.argv = ["app.py"]
from streamlit.testing.v1 import AppTest
at = AppTest.from_file({str(APP)!r}, default_timeout=90)
for page in {PAGES!r}:
    at.switch_page(f"pages/{{page}}.py").run()
    assert not at.exception and at.title, page
heavy = {{"pymc", "pytensor", "arviz", "nutpie"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_file_that_was_written_anew_is_read_anew(open_page: Open, tmp_path: Path) -> None:
    """Also where a server has had it open: the cache of files goes by their time."""
    path = write(tmp_path, rows(n=40))
    assert "40 pairs" in text(open_page("overview", path))
    write(tmp_path, rows(n=60))
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 5))
    assert "60 pairs" in text(open_page("overview", path))
