"""The command `trust`, run in this process: what it prints, writes and refuses."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.errors import InputError
from dissection.native_file import write_native
from dissection.noise.agreement import AGREEMENT_COLUMNS
from dissection.noise.effects import EFFECT_COLUMNS
from tests.conftest import command
from tests.test_noise_effects import world


def trust(*arguments: str | Path) -> int:
    return command("trust", *arguments)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two annotations of planted noise, the first with two judges."""
    made = world(0, 0.2, n=200, again=120, judges=2, d=4)
    paths = tmp_path / "first.jsonl", tmp_path / "again.jsonl"
    for data, path in zip((made.dataset, made.again), paths, strict=True):
        write_native(data, path)
    return paths


def test_agreement_is_printed(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert trust(*files) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("first.jsonl against again.jsonl")
    assert lines[1].split() == ["property", "n", "differ", "equal", "kappa", "alpha", "opposed", "epsilon"]
    assert [line.split()[:2] for line in lines[2:]] == [["longer", "120"], ["p1", "120"], ["p2", "120"], ["p3", "120"]]
    assert all(" to " in line for line in lines[3:])
    assert "longer: computed from the texts" in said.err


def test_swapped_adds_the_position_effect(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert trust(*files, "--swapped", "--resamples", "50") == 0
    assert "position" in capsys.readouterr().out.splitlines()[1]


def test_effects_are_written_side_by_side(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "effects.csv"
    assert trust(*files, "--judge", "judge 1", "--fits", "10", "--out", out) == 0
    frame = pd.read_csv(out)
    assert list(frame.columns) == list(EFFECT_COLUMNS)
    assert frame["property"].tolist() == ["longer", "p1", "p2", "p3"]
    assert frame["judge"].unique().tolist() == ["judge 1"]
    assert frame[["mean", "corrected", "corrected_low", "corrected_high"]].notna().all(axis=None)
    assert "1 cell, 4 effects" in capsys.readouterr().err
    again = tmp_path / "again.json"
    assert trust(*files, "--judge", "judge 1", "--fits", "10", "--out", again) == 0
    np.testing.assert_allclose(pd.read_json(again)["corrected"], frame["corrected"], atol=1e-9)


def test_without_judges_agreement_is_written(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again = files
    assert trust(again, first, "--out", tmp_path / "agreement.csv") == 0
    assert list(pd.read_csv(tmp_path / "agreement.csv").columns) == list(AGREEMENT_COLUMNS)
    assert "There is no judge" in capsys.readouterr().err


def test_what_can_not_be_done_is_said_before_work_begins(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ending '.txt'"):
        trust(*files, "--out", tmp_path / "x.txt")
    with pytest.raises(InputError, match="no model named"):
        trust(*files, "--model", "best")
    with pytest.raises(InputError, match="no judge named"):
        trust(*files, "--judge", "nobody", "--out", tmp_path / "x.csv")
    made = world(0, 0.2, n=200, again=120, judges=2, d=4).again
    stranger = tmp_path / "other.jsonl"
    write_native(dataclasses.replace(made, pairs=made.pairs.set_axis("x" + made.pairs.index)), stranger)
    with pytest.raises(InputError, match="no pair in common"):
        trust(files[0], stranger)
