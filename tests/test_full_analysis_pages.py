"""The Diagnostics page and what shows the prior, pooling and the sampler on other pages. Sampled cells are put into the store beforehand;
`test_browser.py` has them sampled."""

import dataclasses
import zlib
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import analysis
from dissection.dashboard.kept import kept
from dissection.dataset import PairDataset
from dissection.jobs.store import PosteriorStore
from dissection.readers import open_dataset
from dissection.regression.cells import cells
from dissection.regression.model import POOLED, STANDARD, Model
from dissection.regression.nuts import Settings
from tests.jobs_cells import PASSED, made_up
from tests.test_pages import MADE_UP, Open, figures, hover, open_page, rows, run, text, write

__all__ = ["open_page"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file whose cells no other test has sampled: its verdicts are drawn anew."""
    rng = np.random.default_rng(zlib.crc32(tmp_path.name.encode()))
    found = rows(n=60)
    for row in found:
        row["labels"] = {judge: "ab"[int(rng.random() < 0.4)] for judge in row["labels"]}
    return write(tmp_path, found)


def put(path: Path, model: Model = STANDARD, rhat: float = 1.0, groups: list[str] | None = None) -> PairDataset:
    """Put made-up draws of the first judge into the store of the app."""
    dataset = open_dataset(path)
    store = analysis.store()
    assert isinstance(store, PosteriorStore)
    for cell in cells(dataset, model, Settings(), judges=[dataset.judge_names[0]], groups=groups):
        store.put(cell, made_up(cell, dataclasses.replace(PASSED, rhat=rhat)))
    return dataset


def unfold(at: AppTest, *keys: str) -> AppTest:
    for key in keys:
        at.session_state[key] = True
    return run(at)


def test_nothing_sampled_says_so_and_offers_to_start(open_page: Open, data: Path) -> None:
    at = open_page("diagnostics", data)
    assert "Nothing has been sampled yet" in text(at)
    (button,) = [button for button in at.button if "NUTS" in button.label]
    assert button.label == "Sample 1 cell by NUTS"


def test_sampled_cells_have_their_diagnostics_beside_the_fast_engine(open_page: Open, data: Path) -> None:
    put(data)
    at = open_page("diagnostics", data)
    table = at.dataframe[0].value
    assert table["judge"].tolist() == ["one", "one"]
    assert table["group"].tolist() == ["Code", "Advice"]
    assert table["passed"].tolist() == ["yes", "yes"]
    assert "2 of 2 sampled cells passed" in text(at)
    engines, trace, ranks, check = figures(at)
    assert len(hover(engines)) == 4, "two weights in two groups"
    assert "posterior sd apart" in hover(engines)[0]
    assert "Means differ by at most" in text(at)
    assert [series["name"] for series in trace["data"]] == [f"chain {i}" for i in range(1, 5)]
    assert len(ranks["data"]) == 4
    assert "replicated" in hover(check)[0]


def test_a_cell_that_fails_is_marked_and_never_drawn_as_if_it_had_passed(open_page: Open, data: Path) -> None:
    put(data, rhat=1.3, groups=["Code"])
    at = open_page("diagnostics", data)
    assert "R-hat 1.300, not under 1.01" in at.dataframe[0].value["passed"].iloc[0]
    assert "0 of 1 sampled cells passed" in text(at)
    assert "No cell has numbers from both engines." in text(at)
    at = open_page("dissect", data, engine="nuts", group="Code")
    said = [words for words in hover(figures(at)[0]) if words.startswith("<b>one")]
    assert len(said) == 2
    assert all("no numbers: not converged" in words for words in said)


def test_the_engine_of_the_sidebar_shows_sampled_cells(open_page: Open, data: Path) -> None:
    put(data, groups=["Code"])
    fast = hover(figures(open_page("dissect", data, group="Code"))[0])
    assert not any("NUTS" in words for words in fast)
    sampled = hover(figures(open_page("dissect", data, group="Code", engine="nuts"))[0])
    assert sum("sampled by NUTS" in words for words in sampled) == 2, "the other judge was not sampled"


def test_pooled_cells_have_their_diagnostics(open_page: Open, data: Path) -> None:
    put(data, POOLED)
    at = open_page("diagnostics", data, model="pooled")
    assert sorted(at.dataframe[0].value["group"]) == ["Advice", "All pairs", "Code"]
    assert "samples all scenarios of a judge together" in text(at)


def test_the_mean_of_ten_fits_can_not_be_sampled(open_page: Open, data: Path) -> None:
    at = open_page("diagnostics", data, model="paper", folds="True")
    assert "fast engine alone" in text(at)
    assert not [button for button in at.button if "NUTS" in button.label]


@pytest.mark.parametrize("name", ["no judge"])
def test_without_judges_there_is_nothing_to_sample(open_page: Open, tmp_path: Path, name: str) -> None:
    assert "nothing to sample" in text(open_page("diagnostics", write(tmp_path, MADE_UP[name]())))


def test_published_weights_can_not_be_sampled(open_page: Open, published: Path) -> None:
    assert "nothing to sample" in text(open_page("diagnostics", published))


# --- the prior, pooling, position bias, false discoveries ------------------------------------------------------------------------------


def test_position_bias_is_a_probability_with_its_interval(open_page: Open) -> None:
    at = unfold(open_page("dissect", group="Code"), "position-bias")
    bias = figures(at)[1]
    assert len(hover(bias)) == 14
    assert "how often the answer that is shown first wins" in text(at)
    paper = unfold(open_page("dissect", group="Code", model="paper"), "position-bias")
    assert "has no position bias" in text(paper)


def test_one_effect_under_four_priors_and_pooled(open_page: Open) -> None:
    at = unfold(open_page("dissect"), "closer")
    _, priors, pooling = figures(at)
    assert priors["layout"]["yaxis"]["ticktext"] == ["b = 0.05", "b = 0.1", "b = 0.2", "b = 0.5"]
    assert priors["data"][0]["name"] == "the prior's 95 %"
    assert len(hover(pooling)) == 11 + 11 + 1
    assert pooling["layout"]["yaxis"]["ticktext"][-1] == "shared by all"
    assert "What a small scenario lacks in pairs it borrows" in text(at)


def test_one_scenario_has_nothing_to_pool(open_page: Open, tmp_path: Path) -> None:
    at = unfold(open_page("dissect", write(tmp_path, rows(scenarios=["All"]))), "closer")
    assert "this data has only one" in text(at)
    assert "pooled" not in at.selectbox(key="model").options


def test_the_prior_is_drawn_behind_the_dots(open_page: Open) -> None:
    names = [series.get("name", "") for series in figures(open_page("dissect", view="dots"))[0]["data"]]
    assert names[0] == "the prior's 95 %: 43–57 %"


def test_false_discoveries_can_be_controlled(open_page: Open) -> None:
    plain = open_page("dissect", group="Code")
    controlled = open_page("dissect", group="Code", fdr="True")
    undecided = [sum("not told apart" in words for words in hover(figures(at)[0])) for at in (plain, controlled)]
    assert undecided[1] > undecided[0], "fewer cells stand when all are looked at together"
    assert "not a discovery at a false discovery rate of 5 %" in text(controlled)


def test_conditions_have_no_numbers_when_scenarios_are_pooled(open_page: Open) -> None:
    at = open_page("dissect", model="pooled", group="w_stances")
    assert all("not pooled" in words for words in hover(figures(at)[0]))
    assert "“All pairs” shows what they share" in text(at)


def test_the_mean_of_ten_fits_is_a_choice_of_the_paper_model(open_page: Open) -> None:
    at = open_page("dissect", model="paper", folds="True", group="Code")
    assert "mean of 10 fits" in text(at)
    assert "folds" not in {toggle.key for toggle in open_page("dissect", group="Code").toggle}


def test_a_thrown_away_store_entry_keeps_the_page_whole(open_page: Open, data: Path, posterior_store: Path) -> None:
    put(data, groups=["Code"])
    opened = open_page("diagnostics", data)
    for file in posterior_store.glob("*.nc"):
        file.unlink()
    assert "no longer in the cache" not in text(open_page("diagnostics", data)), "unpacked draws are kept like other results"
    kept().drop(opened.session_state["current"][1].content_hash)
    assert "no longer in the cache" in text(open_page("diagnostics", data))
