"""`fit` with the sampler, pooled and as a mean of folds, and `scores`, on the command line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.cli import main
from dissection.dataset import ALL_PAIRS
from dissection.jobs.store import PosteriorStore
from dissection.readers import open_dataset
from dissection.regression.cells import cells
from dissection.regression.fit import fit
from dissection.regression.model import POOLED, STANDARD, Model, choose_model
from dissection.regression.nuts import Settings
from tests.jobs_cells import made_up
from tests.test_cli import data

__all__ = ["data"]


def keep(path: Path, folder: Path, model: Model = STANDARD, settings: Settings | None = None) -> None:
    """Put made-up draws of every cell there, as a run that was interrupted at its end leaves them."""
    store = PosteriorStore(folder, 10**9, readable=True)
    for cell in cells(open_dataset(path), model, settings or Settings()):
        store.put(cell, made_up(cell))


@pytest.mark.filterwarnings("ignore")  # of libraries that the worker's file goes through
def test_sampling_writes_effects_and_draws_and_goes_on_where_it_was(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, folder = tmp_path / "effects.csv", tmp_path / "draws"
    arguments = ["fit", str(data), "--judge", "one", "--group", "Code", "--out", str(out), "--engine", "nuts", "--posterior", str(folder)]
    assert main([*arguments, "--draws", "1500"]) == 0
    frame = pd.read_csv(out)
    (fast,) = fit(open_dataset(data), judges=["one"], groups=["Code"])
    np.testing.assert_allclose(frame["mean"], fast.mean, atol=0.1 * fast.sd.max())
    np.testing.assert_allclose(frame["sd"], fast.sd, rtol=0.1)
    assert frame["converged"].all()
    (file,) = folder.iterdir()
    assert file.name.startswith("one--Code--")
    capsys.readouterr()
    written = file.stat().st_mtime_ns, out.read_bytes()
    assert main([*arguments, "--draws", "1500"]) == 0
    assert "1 fits in 0." in capsys.readouterr().err, "nothing was sampled again"
    assert out.read_bytes() == written[1]


def test_a_finished_run_is_answered_from_its_folder(data: Path, tmp_path: Path) -> None:
    keep(data, tmp_path / "draws")
    out = tmp_path / "effects.csv"
    assert main(["fit", str(data), "--out", str(out), "--engine", "nuts", "--posterior", str(tmp_path / "draws")]) == 0
    frame = pd.read_csv(out)
    assert frame.groupby(["group", "judge"], sort=False).size().index.tolist() == [
        (group, judge) for group in ("Code", "Advice", "w_stances") for judge in ("one", "two")
    ]
    assert frame["sd"].between(0.9, 1.1).all(), "the draws are standard normal"


def test_a_silent_judge_keeps_its_rows(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    for row in rows:
        row["labels"]["two"] = None
    path = tmp_path / "silent.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    keep(path, tmp_path / "draws")
    out = tmp_path / "effects.csv"
    assert main(["fit", str(path), "--out", str(out), "--engine", "nuts", "--posterior", str(tmp_path / "draws")]) == 0
    frame = pd.read_csv(out)
    assert len(frame) == 3 * 2 * 3
    assert frame[frame["judge"] == "two"]["mean"].isna().all()
    assert "no verdicts: two in Code (n = 0)" in capsys.readouterr().err


def test_pooled_writes_scenarios_and_what_they_share(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "effects.csv"
    assert main(["fit", str(data), "--model", "pooled", "--out", str(out)]) == 0
    frame = pd.read_csv(out)
    assert frame["group"].unique().tolist() == ["Code", "Advice", ALL_PAIRS]
    np.testing.assert_allclose(frame["mean"], np.concatenate([p.mean for p in fit(open_dataset(data), POOLED)]), atol=1e-9)
    keep(data, tmp_path / "draws", POOLED)
    arguments = ["--model", "pooled", "--engine", "nuts", "--posterior", str(tmp_path / "draws")]
    assert main(["fit", str(data), *arguments, "--out", str(out)]) == 0
    assert pd.read_csv(out)["group"].unique().tolist() == ["Code", "Advice", ALL_PAIRS]


def test_the_mean_of_ten_fits(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "effects.csv"
    assert main(["fit", str(data), "--model", "paper", "--folds", "10", "--out", str(out)]) == 0
    expected = fit(open_dataset(data), choose_model("paper", folds=10))
    np.testing.assert_allclose(pd.read_csv(out)["mean"], np.concatenate([p.mean for p in expected]), atol=1e-9)
    assert "mean of 10 fits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--engine", "gibbs"], "no engine named 'gibbs'. Accepted: fast, nuts"),
        (["--posterior", "draws"], "Only the sampler has draws to keep"),
        (["--engine", "nuts", "--chains", "1"], "chains is 1"),
        (["--engine", "nuts", "--draws", "5"], "from 100 to 20000"),
        (["--engine", "nuts", "--workers", "0"], "number of workers is 0"),
        (["--engine", "nuts", "--model", "paper", "--folds", "10"], "fast engine"),
        (["--engine", "nuts", "--judge", "three"], "no judge named 'three'"),
        (["--folds", "10"], "paper's way"),
        (["--model", "horseshoe"], "standard, paper, pooled"),
    ],
)
def test_impossible_options_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["fit", str(data), "--out", str(tmp_path / "e.csv"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "e.csv").exists()


def test_cautions_are_said(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) | {"labels": {"one": "a"}} for line in data.read_text().splitlines()]
    path = tmp_path / "sided.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["fit", str(path), "--out", str(tmp_path / "e.csv")]) == 0
    assert "caution: one in Code (n = 30)" in capsys.readouterr().err


# --- scores ------------------------------------------------------------------------------------------------------------------------


def test_scores_of_every_cell(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "scores.csv"
    assert main(["scores", str(data), "--group", "Code", "--group", "w_stances", "--out", str(out)]) == 0
    frame = pd.read_csv(out)
    assert frame["predictor"].unique().tolist() == ["explanation", "majority", "length alone", "position alone", "ceiling"]
    assert len(frame) == 2 * 2 * 5
    explanation = frame[(frame["predictor"] == "explanation") & (frame["group"] == "Code")]
    assert explanation["accuracy"].between(0, 1).all()
    assert (explanation["log_loss_se"] > 0).all()
    assert "cells scored, 5 folds" in capsys.readouterr().err


def test_scores_refuse_one_fold(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scores", str(data), "--folds", "1", "--out", str(tmp_path / "s.csv")]) == 2
    assert "2 or more" in capsys.readouterr().err
