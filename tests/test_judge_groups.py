"""Groups of judges and their permutation test, metadata of judges, and the command `groups`."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.cli import main
from dissection.errors import FileError, InputError, LabelError, UnknownNameError
from dissection.judges import describe
from dissection.likeness.crossed import compare_crossed
from dissection.likeness.groups import GROUP_COLUMNS, Grouping, compare_groups, group_judges
from dissection.likeness.metadata import metadata_from_names, metadata_of, read_metadata
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.similarity import similarity_matrix


def blocks(sizes: dict[str, int], within: float, between: float, noise: float = 0.0, seed: int = 0) -> tuple[pd.DataFrame, dict[str, str]]:
    """A similarity matrix of judges in groups, and the group of each."""
    groups = {f"{kind}{place}": kind for kind, size in sizes.items() for place in range(size)}
    names = list(groups)
    table = np.array([[within if groups[a] == groups[b] else between for b in names] for a in names])
    draws = np.random.default_rng(seed).normal(scale=noise, size=table.shape)
    table = table + np.triu(draws, 1) + np.triu(draws, 1).T
    np.fill_diagonal(table, 1.0)
    return pd.DataFrame(table, index=names, columns=names), groups


def row(table: pd.DataFrame, what: str, group: str = "", other: str = "") -> pd.Series:
    return table[(table["what"] == what) & (table["group"] == group) & (table["other"] == other)].iloc[0]


# --- the published figures -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def overall(published: Path) -> pd.DataFrame:
    weights = open_dataset(published)
    return similarity_matrix(fit(weights, groups=[group.name for group in weights.scenarios]))


def test_size_makes_a_contrast_and_alignment_none(published: Path, overall: pd.DataFrame) -> None:
    judges = open_dataset(published).judges
    size, aligned = (group_judges(judges, by) for by in ("size", "aligned"))
    table = compare_groups(overall, size.groups)
    assert [round(value, 3) for value in table["mean"]] == [0.883, 0.828, 0.737]
    assert table["judges"].tolist() == [10, 20, 30]
    assert table["pairs"].tolist() == [45, 190, 200]
    between = row(table, "between", "30–72 B", "≤ 14 B")
    assert between["contrast"] == pytest.approx(0.101, abs=0.001)
    assert (between["p"], between["permutations"]) == (1 / 10_000, 9_999)
    assert set(size.left_out) == {"human", "gpt-3.5-turbo-1106", "gpt-4-1106-preview"}
    other = compare_groups(overall, aligned.groups)
    assert [round(value, 3) for value in other["mean"]] == [0.819, 0.735, 0.779]
    assert row(other, "between", "aligned", "base")["contrast"] < 0.03
    assert row(other, "between", "aligned", "base")["p"] > 0.05
    assert set(table["remark"]) == {"no intervals: no resamples"}


def test_families_and_providers_of_the_published_judges(published: Path) -> None:
    judges = open_dataset(published).judges
    assert group_judges(judges, "family").groups["human"] == "human"
    providers = group_judges(judges, "provider")
    assert providers.groups["llama-2-7b"] == "Meta"
    assert set(providers.left_out) == {"human"}
    assert describe("aspen-7b").provider is None, "the demo's judges are made up"
    with pytest.raises(UnknownNameError, match="size, family, aligned, provider"):
        group_judges(judges, "colour")


# --- the test --------------------------------------------------------------------------------------------------------------------------


def test_means_and_contrast_are_those_of_the_pairs() -> None:
    similarity, groups = blocks({"x": 3, "y": 4}, 0.8, 0.3, noise=0.1)
    table = compare_groups(similarity, groups, permutations=5)
    assert list(table.columns) == list(GROUP_COLUMNS)
    pairs = [(a, b) for a, b in combinations(similarity.index, 2)]
    same = [similarity.loc[a, b] for a, b in pairs if groups[a] == groups[b]]
    apart = [similarity.loc[a, b] for a, b in pairs if groups[a] != groups[b]]
    between = row(table, "between", "x", "y")
    assert between["mean"] == pytest.approx(np.mean(apart))
    assert between["contrast"] == pytest.approx(np.mean(same) - np.mean(apart))
    assert row(table, "within", "x", "x")["mean"] == pytest.approx(
        np.mean([similarity.loc[a, b] for a, b in combinations(["x0", "x1", "x2"], 2)])
    )


def test_few_labellings_are_all_taken() -> None:
    similarity, groups = blocks({"x": 3, "y": 4}, 0.8, 0.3, noise=0.05)
    between = row(compare_groups(similarity, groups), "between", "x", "y")
    assert between["permutations"] == 35
    assert between["p"] == pytest.approx(1 / 35), "the labelling itself is the best of all"
    similarity, groups = blocks({"x": 2, "y": 2, "z": 2}, 0.8, 0.3, noise=0.05)
    everything = row(compare_groups(similarity, groups), "all")
    assert everything["permutations"] == 90
    assert everything["p"] == pytest.approx(6 / 90), "the groups' names don't matter"


def test_random_labellings_agree_with_all_of_them() -> None:
    similarity, groups = blocks({"x": 5, "y": 6}, 0.5, 0.42, noise=0.25, seed=2)
    exact = row(compare_groups(similarity, groups), "between", "x", "y")
    drawn = row(compare_groups(similarity, groups, permutations=461, seed=4), "between", "x", "y")
    assert (exact["permutations"], drawn["permutations"]) == (462, 461)
    assert 0.03 < exact["p"] < 0.97
    assert drawn["p"] == pytest.approx(exact["p"], abs=0.08)


def test_p_values_are_uniform_where_groups_are_nothing() -> None:
    ps = []
    for seed in range(150):
        similarity, groups = blocks({"x": 6, "y": 6}, 0.5, 0.5, noise=0.2, seed=seed)
        ps.append(row(compare_groups(similarity, groups, permutations=99, seed=seed), "between", "x", "y")["p"])
    assert 0.02 <= np.mean(np.array(ps) <= 0.1) <= 0.18
    assert np.mean(ps) == pytest.approx(0.5, abs=0.08)


def test_resamples_give_intervals() -> None:
    similarity, groups = blocks({"x": 4, "y": 4}, 0.8, 0.3)
    rng = np.random.default_rng(0)
    common = rng.normal(scale=0.1, size=(400, 1, 1))
    resampled = similarity.to_numpy() - 0.2 + common + rng.normal(scale=0.02, size=(400, 8, 8))
    table = compare_groups(similarity, groups, resampled=resampled)
    between = row(table, "between", "x", "y")
    assert between["low"] < 0.5 < between["high"]
    assert between["high"] - between["low"] < 0.05, "what raises all similarities cancels in the contrast"
    assert between["mean_high"] - between["mean_low"] == pytest.approx(2 * 1.96 * 0.1, rel=0.15)
    assert (table["mean_low"] < table["mean"]).all()
    assert set(table["remark"]) == {""}


def test_missing_similarities_and_judges_alone() -> None:
    similarity, groups = blocks({"x": 3, "y": 1}, 0.8, 0.3)
    similarity.loc["x0", "x1"] = similarity.loc["x1", "x0"] = np.nan
    table = compare_groups(similarity, groups)
    assert row(table, "within", "x", "x")["pairs"] == 2
    assert row(table, "within", "y", "y")["remark"] == "one judge, so no pair within"
    assert row(table, "between", "x", "y")["contrast"] == pytest.approx(0.5)
    singles = compare_groups(similarity, {"x1": "x", "x2": "z"})
    assert row(singles, "between", "x", "z")["remark"] == "no pair of judges within these groups"
    assert np.isnan(row(singles, "between", "x", "z")["p"])


def test_one_group_is_refused() -> None:
    similarity, _ = blocks({"x": 3}, 0.8, 0.3)
    with pytest.raises(InputError, match=r"in 1 group\..*at least two groups"):
        compare_groups(similarity, dict.fromkeys(similarity.index, "x"))
    with pytest.raises(InputError, match="in 0 groups"):
        compare_groups(similarity, {})
    with pytest.raises(InputError, match="permutations is 0"):
        compare_groups(similarity, {"x0": "a", "x1": "b"}, permutations=0)


# --- two groupings at once -------------------------------------------------------------------------------------------------------------


def crossed() -> tuple[pd.DataFrame, Grouping, Grouping]:
    names = [f"{llm}/{prompt}" for llm in "ABC" for prompt in "xyz"]
    parts = metadata_from_names(names, "llm/prompt")
    llm, prompt = parts.grouping("llm"), parts.grouping("prompt")
    table = [[1.0 if a == b else 0.8 if a[0] == b[0] else 0.4 if a[2] == b[2] else 0.3 for b in names] for a in names]
    return pd.DataFrame(table, index=names, columns=names), llm, prompt


def test_what_is_shared_is_told_apart() -> None:
    table = compare_crossed(*crossed(), permutations=999)
    assert table["what"].tolist() == ["same llm, different prompt", "same prompt, different llm", "different llm and prompt"]
    assert table["pairs"].tolist() == [9, 9, 18]
    np.testing.assert_allclose(table["mean"], [0.8, 0.4, 0.3])
    np.testing.assert_allclose(table["contrast"], [0.4, 0.1, np.nan])
    assert table["p"].iloc[0] < 0.05
    assert table["remark"].iloc[0] == "contrast to: same prompt, different llm"


def test_groupings_that_do_not_cross_are_refused() -> None:
    similarity, llm, _ = crossed()
    with pytest.raises(InputError, match="No two judges share only"):
        compare_crossed(similarity, llm, llm)
    with pytest.raises(InputError, match="No two judges share only"):
        compare_crossed(similarity, llm, Grouping("none", {}, {}))


def test_on_llmbar_the_llm_counts_and_the_prompt_hardly(shared: Path) -> None:
    data = open_dataset(shared / "llmbar.jsonl")
    parts = metadata_from_names(data.judge_names, "llm/prompt")
    assert parts.notes == ("1 judge without the parts llm/prompt: gold_human. In no group.",)
    assert sorted(set(parts.columns["llm"].values())) == ["ChatGPT", "ChatGPT-0301", "Falcon", "GPT-4", "LLaMA2", "PaLM2"]
    similarity = similarity_matrix(fit(data, groups=[group.name for group in data.scenarios]))
    same_llm, same_prompt, neither = compare_crossed(similarity, parts.grouping("llm"), parts.grouping("prompt"), 999).itertuples()
    assert same_llm.mean > same_prompt.mean + 0.3
    assert same_llm.p == 1 / 1000
    assert same_prompt.mean - neither.mean < 0.15
    assert same_llm.pairs + same_prompt.pairs + neither.pairs == 65 * 64 // 2


# --- metadata --------------------------------------------------------------------------------------------------------------------------


def test_a_table_of_metadata() -> None:
    found = read_metadata(b"Judge,vendor,tier\na,North,1\nb,South,\nc,North,2\nz,East,1\n", "mine.csv", ["a", "b", "c", "d"])
    assert found.columns == {"vendor": {"a": "North", "b": "South", "c": "North"}, "tier": {"a": "1", "c": "2"}}
    assert found.notes == (
        "mine.csv names 1 judge that the data does not have: z. Not used.",
        "mine.csv says nothing of 1 judge of the data: d. In no group.",
    )
    grouping = found.grouping("tier")
    assert grouping.left_out == {"b": "no tier", "d": "no tier"}
    with pytest.raises(UnknownNameError, match=r"no column 'colour'.*vendor, tier"):
        found.grouping("colour")


def test_rows_of_a_table_that_was_edited() -> None:
    found = metadata_of([("a", {"vendor": "North", "tier": 1}), ("b", {"vendor": float("nan"), "tier": None})], ["a", "b"], "the table")
    assert found.columns == {"vendor": {"a": "North"}, "tier": {"a": "1"}}


def test_metadata_that_can_not_be_used() -> None:
    with pytest.raises(LabelError, match=r"'a' comes more than once.*mine\.csv, line 2 and mine\.csv, line 4"):
        read_metadata(b"judge,vendor\na,North\nb,South\na,East\n", "mine.csv", ["a", "b"])
    with pytest.raises(LabelError, match=r"None of its judges is in the data: x, y\..*Accepted: a, b"):
        read_metadata(b"judge,vendor\nx,North\ny,South\n", "mine.csv", ["a", "b"])
    for content in (b"name,vendor\na,North\n", b'[{"judge": "a"}]'):
        with pytest.raises(FileError, match="one column `judge`"):
            read_metadata(content, "mine.csv", ["a"])
    with pytest.raises(FileError, match="empty"):
        read_metadata(b"", "mine.csv", ["a"])


@pytest.mark.parametrize("pattern", ["llm", "llm/llm", "/llm", "llm/", ""])
def test_patterns_of_names_that_say_nothing(pattern: str) -> None:
    with pytest.raises(InputError, match="llm/prompt"):
        metadata_from_names(["A/x"], pattern)


def test_names_are_split_where_the_pattern_says() -> None:
    found = metadata_from_names(["A/x/y", "B/z", "C"], "llm/prompt")
    assert found.columns == {"llm": {"A/x/y": "A", "B/z": "B"}, "prompt": {"A/x/y": "x/y", "B/z": "z"}}
    assert metadata_from_names(["a__b"], "one__two").columns == {"one": {"a__b": "a"}, "two": {"a__b": "b"}}
    with pytest.raises(InputError, match="No judge's name"):
        metadata_from_names(["A-x"], "llm/prompt")


# --- the command -----------------------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> int:
    return main(["groups", *arguments])


def test_the_command_prints_the_published_figures(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "groups.csv"
    assert run(str(published), "--by", "size", "--out", str(out)) == 0
    captured = capsys.readouterr()
    for figure in ("0.828", "0.883", "0.737", "0.0001", "no intervals: posterior means only"):
        assert figure in captured.out
    assert "human (size unknown" in captured.err
    assert pd.read_csv(out)["pairs"].tolist() == [45, 190, 200]


def test_the_command_takes_the_users_own_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo, own = tmp_path / "demo.jsonl", tmp_path / "own.csv"
    assert main(["demo", "--pairs", "120", "--judges", "9", "--out", str(demo)]) == 0
    own.write_text("judge,kind\nhuman,person\naspen-7b,model\naspen-7b-chat,model\naspen-14b,model\nnobody,model\n")
    assert run(str(demo), "--by", f"{own}:kind", "--resamples", "3", "--method", "cosine", "--without-length") == 0
    captured = capsys.readouterr()
    assert "Mean similarity by kind (cosine, mean of 11 scenarios)" in captured.out
    assert "names 1 judge that the data does not have: nobody" in captured.err
    assert "one judge, so no pair within" in captured.out
    assert run(str(demo), "--by", "tree", "--names", "tree-rest", "--resamples", "0", "--group", "Others") == 0
    captured = capsys.readouterr()
    assert "Mean similarity by tree (pearson, Others)" in captured.out
    assert "no intervals: no resamples" in captured.out
    assert "human (no tree)" in captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--by", "colour"], "size, family, aligned, provider"),
        (["--by", "nowhere.csv:kind"], "nowhere.csv"),
        (["--by", "size", "--permutations", "0"], "permutations is 0"),
    ],
)
def test_the_command_refuses_what_it_can_not_group_by(
    published: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(published), *arguments) == 2
    assert words in capsys.readouterr().err.splitlines()[-1]
