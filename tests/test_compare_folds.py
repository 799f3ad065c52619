"""What is folded or rare on the pages "Compare", "Similarity" and "Pairs": tables, orders, uploads, judges that are left out."""

from pathlib import Path
from typing import Any

import pytest

from dissection.dashboard import behind
from tests.test_compare_page import unlike
from tests.test_pages import Open, figures, open_page, rows, run, text, write
from tests.test_similarity_page import two_kinds

__all__ = ["open_page"]  # the fixture


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are waited for, as no browser asks again."""
    monkeypatch.setattr(behind, "WAITED_SECONDS", 80.0)


def labelled(found: list[dict[str, Any]], **more: str) -> list[dict[str, Any]]:
    """With judges who say the same of every pair."""
    return [{**row, "labels": {**row["labels"], **more}} for row in found]


# --- Compare -------------------------------------------------------------------------------------------------------------------------


def test_a_judge_that_can_not_be_compared_is_left_out_with_the_reason(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, labelled(unlike(), always="a")), compare="against", reference="likes")
    assert "Left out:" in text(at)
    assert "always" in text(at).split("Left out:")[1]
    assert "same verdict, A, on all 300 pairs" in text(at)
    assert "always" not in figures(at)[0]["layout"]["yaxis"]["ticktext"]


def test_differences_by_family_keep_their_rows(open_page: Open, tmp_path: Path) -> None:
    file = write(tmp_path, unlike())
    by_size = figures(open_page("compare", file, first="likes", second="dislikes"))[0]["layout"]["yaxis"]["ticktext"]
    by_family = figures(open_page("compare", file, first="likes", second="dislikes", order="family"))[0]["layout"]["yaxis"]["ticktext"]
    assert sorted(by_size) == sorted(by_family) == ["longer", "polite"]
    assert by_size[0] == "polite", "the largest difference first"


def test_no_disagreement_and_no_fit_are_said_in_the_list_of_pairs(open_page: Open, tmp_path: Path) -> None:
    file = write(tmp_path, labelled(unlike(), always="a"))
    same = open_page("compare", file, first="likes", second="likes again")
    same.session_state["disagreements"] = True
    assert "same verdict on every pair that both judged" in text(run(same))
    silent = [{**row, "labels": {"likes": row["labels"]["likes"], ("early" if i < 150 else "late"): "ab"[i % 3 == 0]}} for i, row in enumerate(unlike())]  # type: ignore[index]  # fmt: skip
    apart = open_page("compare", write(tmp_path, silent, "apart.jsonl"), first="early", second="late")
    apart.session_state["disagreements"] = True
    assert "have no pair in common" in text(run(apart))
    assert not apart.dataframe


def test_the_changes_between_rounds_are_a_table(open_page: Open, tmp_path: Path) -> None:
    at = open_page("compare", write(tmp_path, unlike()), compare="rounds")
    at.multiselect(key="rounds").set_value(["dislikes", "likes", "sure"])
    run(at).session_state["round-changes"] = True
    changes, drift = (frame.value for frame in run(at).dataframe[-2:])
    assert changes[["first", "second"]].drop_duplicates().to_numpy().tolist() == [
        ["likes", "dislikes"],
        ["sure", "dislikes"],
        ["sure", "likes"],
    ]
    assert drift["second"].tolist() == ["likes", "sure"]
    assert (drift["distance_low"] <= drift["distance"]).all()


def test_no_scenario_in_which_all_can_be_fitted(open_page: Open, tmp_path: Path) -> None:
    found = rows(n=120, scenarios=["Code", "Advice"])
    for row in found:
        del row["labels"]["one" if row["scenario"] == "Code" else "two"]
    at = open_page("compare", write(tmp_path, found), compare="strength")
    assert "no scenario in which all of these judges can be fitted" in text(at)
    assert "has no verdicts in" in text(at)
    assert not figures(at)


# --- Similarity ----------------------------------------------------------------------------------------------------------------------


def test_metadata_is_uploaded_and_unknown_judges_are_named(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), simview="groups", groupway="file")
    at.file_uploader(key="metadata-file").upload("kinds.csv", b"judge,maker\nx/one,X\nx/two,X\ny/one,Y\nnobody,Z\n", "text/csv")
    said = text(run(at))
    assert "names 1 judge that the data does not have: nobody" in said.replace("\\", "")
    assert "says nothing of 1 judge of the data: y/two" in said.replace("\\", "")
    assert figures(at)[0]["layout"]["yaxis"]["ticktext"] == ["within X", "within Y", "X · Y"]
    at.file_uploader(key="metadata-file").upload("bad.csv", b"name,maker\nx/one,X\n", "text/csv")
    assert "one column `judge`" in run(at).error[0].value.replace("\\", "")
    at.file_uploader(key="metadata-file").upload("others.csv", b"judge,maker\nnobody,Z\n", "text/csv")
    assert "None of its judges is in the data: nobody" in run(at).error[0].value.replace("\\", "")


def test_one_group_is_no_comparison(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), simview="groups", groupway="file")
    at.file_uploader(key="metadata-file").upload("one.csv", b"judge,maker\nx/one,X\nx/two,X\n", "text/csv")
    assert "The judges are in 1 group" in text(run(at))
    assert not figures(at)


def test_ceilings_of_all_judges_are_a_table(open_page: Open, tmp_path: Path) -> None:
    at = open_page("similarity", write(tmp_path, two_kinds()), simview="sure", judge="x/one")
    at.session_state["all-likeness"] = True
    pairs, ceilings = (frame.value for frame in run(at).dataframe[-2:])
    assert len(pairs) == 6
    assert ceilings["judge"].tolist() == ["x/one", "x/two", "y/one", "y/two"]
    assert ceilings["ceiling"].between(0, 1).all()


@pytest.mark.parametrize(("page", "needs"), [("compare", "comparing needs two"), ("similarity", "similarity needs two")])
def test_one_judge_has_nobody_beside_it(open_page: Open, tmp_path: Path, page: str, needs: str) -> None:
    at = open_page(page, write(tmp_path, rows(judges=["one"])))
    assert f"This data has 1 judge, and {needs}" in text(at)


# --- Pairs ---------------------------------------------------------------------------------------------------------------------------


def test_copies_of_a_pair_are_listed_with_both_verdicts(open_page: Open, tmp_path: Path) -> None:
    found = rows(n=40)
    for number in (0, 1):
        found.append({**found[number], "pair_id": f"copy {number}"})
    at = open_page("pairs", write(tmp_path, found), list="duplicates", judge="one", alike="0.99")
    assert "2 couples of 42 pairs are 0.99 alike or more" in text(at)
    assert "gave the same verdict on both in 2 of 2" in text(at)
    (table,) = (frame.value for frame in at.dataframe if "cosine" in frame.value)
    assert {frozenset(couple) for couple in table[["pair_id", "other"]].to_numpy()} == {
        frozenset({"p000", "copy 0"}),
        frozenset({"p001", "copy 1"}),
    }
    assert not table["swapped"].any()


def test_of_many_judges_those_that_move_most_are_drawn(open_page: Open, tmp_path: Path) -> None:
    found = rows(n=60, judges=[f"judge {number:02}" for number in range(24)])
    at = open_page("pairs", write(tmp_path, found), pair="p001", judge="judge 07", whatif="0~-1")
    dumbbells = next(figure for figure in figures(at) if figure["data"][0].get("name") == "before")
    assert len(dumbbells["layout"]["yaxis"]["ticktext"]) == 20
    assert dumbbells["layout"]["yaxis"]["ticktext"][0] == "judge 07"
    assert "the table has all 24 judges" in text(at)
