"""The command line, run in this process: files, exit status and words."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.cli import main
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.model import choose_model
from tests.conftest import make_dataset
from tests.test_export import COLUMNS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of 60 pairs, two judges, two scenarios and a condition."""
    made = make_dataset(both_orders=True)
    path = tmp_path / "pairs.jsonl"
    rows = [
        {
            "pair_id": pair_id,
            "scenario": made.pairs.loc[pair_id, "scenario"],
            "conditions": ["w_stances"] if row % 3 == 0 else [],
            "labels": {name: {"ab": made.verdicts[row, j, 0], "ba": made.verdicts[row, j, 1]} for j, name in enumerate(made.judge_names)},
            "properties": {name: {"comparison": made.comparisons[row, i]} for i, name in enumerate(made.property_names)},
        }
        for row, pair_id in enumerate(made.pairs.index)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# --- fit -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "json"])
def test_fit_writes_every_cell(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    out = tmp_path / f"effects.{ending}"
    assert main(["fit", str(data), "--out", str(out)]) == 0
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet, "jsonl": lambda file: pd.read_json(file, lines=True), "json": pd.read_json}
    frame = readers[ending](out)
    assert list(frame.columns) == COLUMNS
    assert len(frame) == 3 * 2 * 3
    assert frame["group"].unique().tolist() == ["Code", "Advice", "w_stances"]
    assert frame["converged"].all()
    assert set(frame[frame["group"] == "w_stances"]["n"]) == {20}
    np.testing.assert_allclose(frame["mean"], np.concatenate([p.mean for p in fit(open_dataset(data))]), atol=1e-9)
    captured = capsys.readouterr()
    assert captured.out == "", "progress goes to stderr"
    assert "pairs.jsonl: 60 pairs, 2 judges, 3 groups" in captured.err
    assert "6 fits in" in captured.err
    assert "Laplace(0, 0.1), position bias" in captured.err


def test_fit_takes_judges_groups_and_a_model(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "effects.csv"
    arguments = ["--judge", "two", "--group", "Advice", "--group", "w_stances", "--model", "paper", "--prior-scale", "0.3"]
    assert main(["fit", str(data), *arguments, "--out", str(out)]) == 0
    frame = pd.read_csv(out)
    assert frame[["judge", "group"]].drop_duplicates().to_numpy().tolist() == [["two", "Advice"], ["two", "w_stances"]]
    expected = fit(open_dataset(data), choose_model("paper", 0.3), ["two"], ["Advice"])[0]
    np.testing.assert_allclose(frame["mean"][:3], expected.mean, atol=1e-9)


def test_status_1_where_a_cell_did_not_converge(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    rows[0]["properties"]["p0"]["comparison"] = 1e200  # in "Code" and "w_stances"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["fit", str(data), "--out", str(tmp_path / "effects.csv")]) == 1
    frame = pd.read_csv(tmp_path / "effects.csv")
    broken = frame[frame["group"] != "Advice"]
    assert not broken["converged"].any()
    assert broken[["mean", "sd", "low", "high", "direction", "probability"]].isna().all(axis=None)
    assert frame[frame["group"] == "Advice"]["converged"].all()
    assert "not converged: one in Code (n = 30)" in capsys.readouterr().err


def test_a_judge_without_verdicts_is_said_and_is_no_failure(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    for row in rows[::2]:
        row["labels"]["two"] = None
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["fit", str(data), "--out", str(tmp_path / "effects.csv")]) == 0
    assert "no verdicts: two in Code (n = 0)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--judge", "three"], "no judge named 'three'"),
        (["--group", "Maths"], "no scenario or condition named 'Maths'"),
        (["--model", "ridge"], "no model named 'ridge'"),
        (["--prior-scale", "0"], "from 0.001 to 10"),
        (["--prior-scale", "nan"], "from 0.001 to 10"),
        (["--out", "effects.xlsx"], "ending '.xlsx' is not known"),
        (["--out", "no/such/folder/effects.csv"], "folder does not exist"),
    ],
)
def test_bad_options_end_with_status_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    out = tmp_path / "effects.csv"
    assert main(["fit", str(data), "--out", str(out), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith("error: ")
    assert words in captured.err
    assert "Traceback" not in captured.err
    assert not out.exists()


@pytest.mark.parametrize("command", ["fit", "similarity", "inspect"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't be opened"),
        (b"", "empty"),
        (b"a,b\n1,2\n", "no known form"),
        (b'{"labels": {"me": "maybe"}, "properties": {}}', "row 1"),
    ],
)
def test_bad_files_end_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / "bad.jsonl"
    if content is not None:
        path.write_bytes(content)
    out = ["--out", str(tmp_path / "out.csv")] if command != "inspect" else []
    assert main([command, str(path), *out]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert words in captured.err
    assert captured.out == ""


# --- similarity, inspect ---------------------------------------------------------------------------------------------------------------


def test_similarity_of_published_weights(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "similarity.csv"
    assert main(["similarity", str(published), "--out", str(out)]) == 0
    matrix = pd.read_csv(out, index_col="judge")
    assert matrix.shape == (33, 33)
    assert list(matrix.index) == list(matrix.columns)
    assert round(matrix.loc["human", "gpt-4-1106-preview"], 3) == 0.742
    np.testing.assert_allclose(matrix, matrix.T)
    assert "No intervals: posterior means only" in capsys.readouterr().err


def test_similarity_of_one_group_by_rank(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "similarity.csv"
    assert main(["similarity", str(data), "--group", "w_stances", "--method", "spearman", "--out", str(out)]) == 0
    matrix = pd.read_csv(out, index_col=0)
    assert list(matrix.index) == ["one", "two"]
    one, two = (p.mean.argsort().argsort() for p in fit(open_dataset(data), groups=["w_stances"]))
    assert matrix.loc["one", "two"] == pytest.approx(np.corrcoef(one, two)[0, 1])


@pytest.mark.parametrize(("arguments", "words"), [(["--method", "kendall"], "pearson, spearman"), (["--group", "x"], "no scenario")])
def test_similarity_refuses_unknown_names(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["similarity", str(data), "--out", str(tmp_path / "s.csv"), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_similarity_is_written_as_csv_only(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["similarity", str(data), "--out", str(tmp_path / "s.parquet")]) == 2
    assert "Accepted: .csv" in capsys.readouterr().err


def test_inspect_prints_counts_and_judges(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(data)]) == 0
    printed = capsys.readouterr().out
    assert "60 pairs in 2 scenarios and 1 condition" in printed
    assert "share_a in %" in printed
    places = [printed.index(title) for title in ("Found:", "Odd:", "Can be done:", "Can't be done:", "Judges (share_a in %):")]
    assert places == sorted(places)
    assert "reading the pairs: add query, response_a, response_b" in printed
    assert len([line for line in printed.splitlines() if line.split()[:1] in (["one"], ["two"])]) == 2


def test_inspect_names_what_is_odd_in_real_data(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(shared / "pandalm.jsonl")]) == 0
    printed = capsys.readouterr().out
    assert "54 pairs have an empty answer" in printed
    assert "25 verdicts of 5,994 are missing" in printed
    assert "576 verdicts of 5,969 are ties" in printed


def test_inspect_published_weights(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(published)]) == 0
    printed = capsys.readouterr().out
    assert "33 judges in 11 scenarios and 5 conditions" in printed
    assert "Judges (share_a" not in printed


# --- demo ------------------------------------------------------------------------------------------------------------------------------


def test_demo_can_be_fitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo, truth, effects = (tmp_path / name for name in ("demo.jsonl.gz", "truth.json", "effects.csv"))
    arguments = ["demo", "--out", str(demo), "--pairs", "60", "--judges", "3", "--seed", "1", "--truth", str(truth)]
    assert main(arguments) == 0
    assert "60 simulated pairs, 3 judges" in capsys.readouterr().err
    assert set(json.loads(truth.read_text())["tastes"]) == set(open_dataset(demo).judge_names)
    assert main(["fit", str(demo), "--out", str(effects)]) == 0
    frame = pd.read_csv(effects)
    assert frame["judge"].nunique() == 3
    assert frame["property"].nunique() == 29
    first = demo.read_bytes()
    assert main(arguments) == 0
    assert demo.read_bytes() == first, "a seed gives the same file"


@pytest.mark.parametrize("arguments", [["--pairs", "0"], ["--judges", "0"], ["--out", "demo.xlsx"]])
def test_impossible_demos_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "demo.jsonl"), *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--pairs", "20", "--judges", "1", "--out", str(tmp_path / "absent" / "demo.jsonl")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


# --- help ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["fit"], ["similarity"], ["demo"], ["inspect"]])
def test_help_of_each_command(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith("usage: python -m dissection")
    assert "%%" not in printed
    for word in {"": ["fit", "similarity", "demo", "inspect"], "fit": ["--judge", "--out", "95 %"]}.get("".join(command), []):
        assert word in printed


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["fit"], ["fit", "data.jsonl"], ["fit", "x", "--out", "y.csv", "--prior-scale", "wide"]]
)
def test_usage_errors_end_with_status_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m dissection" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "dissection", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "usage: python -m dissection" in done.stdout
    assert done.stderr == ""


# --- forms and scenarios ---------------------------------------------------------------------------------------------------------------


def test_the_form_can_be_overruled(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(data), "--reader", "native"]) == 0
    assert main(["inspect", str(data), "--reader", "arena"]) == 2
    assert main(["inspect", str(data), "--reader", "excel"]) == 2
    assert "no reader named 'excel'" in capsys.readouterr().err


def test_scenarios_by_column_words_and_topics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {
            "query": "a soup of bread and salt" if i % 2 else "a python list in a loop",
            "labels": {"one": "ab"[i % 3 == 0]},
            "properties": {"p": {"comparison": i % 3 - 1}},
            "meta": {"language": ["en", "de"][i % 2]},
        }
        for i in range(40)
    ]
    path, out = tmp_path / "pairs.jsonl", tmp_path / "e.csv"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def groups(*arguments: str) -> set[str]:
        assert main(["fit", str(path), "--out", str(out), *arguments]) == 0
        return set(pd.read_csv(out)["group"])

    assert groups() == {"All"}
    assert groups("--scenarios-by", "meta.language") == {"en", "de"}
    assert groups("--scenario-rule", "Code: python", "--scenario-rule", "Food: soup") == {"Code", "Food"}
    assert main(["fit", str(path), "--out", str(out), "--scenario-rule", "Code"]) == 2
    assert main(["fit", str(path), "--out", str(out), "--scenarios-by", "meta.colour"]) == 2
    assert main(["fit", str(path), "--out", str(out), "--topics", "2"]) == 2
    assert "2 different queries, too few for 2 topics" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """As in `inspect … | head -1`; the first line is written, and nothing else is said."""
    demo = tmp_path / "demo.jsonl"
    assert main(["demo", "--pairs", "60", "--judges", "3", "--out", str(demo)]) == 0
    command = f"set -o pipefail; {shlex.quote(sys.executable)} -u -m dissection inspect {shlex.quote(str(demo))} | head -1"
    done = subprocess.run(["bash", "-c", command], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.count("\n") == 1
    assert "error" not in done.stderr
    assert done.returncode == 0
