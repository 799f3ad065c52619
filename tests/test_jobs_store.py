"""The store of sampled cells: what it keeps, how it stays small, and what can go wrong with a folder that others share."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray

from dissection.dataset import Group
from dissection.errors import InputError
from dissection.jobs import netcdf
from dissection.jobs.store import PosteriorStore, default_store
from dissection.regression.diagnostics import diagnose
from dissection.regression.model import PAPER, POOLED, STANDARD, choose_model
from dissection.regression.nuts import Settings
from dissection.regression.posterior import Posterior
from dissection.regression.sampling import posterior_to_json
from dissection.settings import CACHE_MB
from tests.jobs_cells import SHORT, made_up, small_cells

ROOT = Path(__file__).resolve().parents[1]
PLENTY = 10**9


@pytest.fixture
def store(tmp_path: Path) -> PosteriorStore:
    return PosteriorStore(tmp_path / "store", PLENTY)


def as_json(posteriors: list[Posterior] | None) -> str:
    assert posteriors is not None
    return json.dumps([posterior_to_json(posterior) for posterior in posteriors])


def files(store: PosteriorStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


@pytest.mark.parametrize("model", [STANDARD, POOLED], ids=lambda model: model.name)
def test_what_was_put_comes_back(store: PosteriorStore, model: object) -> None:
    cell = small_cells(2, model=model)[0]  # type: ignore[arg-type]
    assert store.get(cell) is None
    assert store.draws(cell.key) is None
    assert store.path(cell.key) is None
    sampled = made_up(cell)
    store.put(cell, sampled)
    assert files(store) == [f"{cell.key}.nc"]
    assert as_json(store.get(cell)) == as_json(sampled.posteriors), "posteriors to the last digit"
    draws = store.draws(cell.key)
    assert draws is not None
    for found, given in ((draws.posterior, sampled.draws.posterior), (draws.sample_stats, sampled.draws.sample_stats)):
        assert set(found.variables) == set(given.variables)
        for name, values in given.data_vars.items():
            assert found[name].dims == values.dims
            np.testing.assert_allclose(found[name], values, rtol=1e-6)
    assert draws.posterior["weights"].dtype == np.float32
    assert draws.sample_stats["diverging"].dtype == bool
    assert draws.sample_stats["depth"].dtype == sampled.draws.sample_stats["depth"].dtype


def test_arviz_reads_the_file_and_finds_the_stored_diagnostics(store: PosteriorStore) -> None:
    import arviz

    cell = replace(small_cells(1)[0], judge="Jürgen 裁判")
    draws = made_up(cell).draws
    sampled = made_up(cell, diagnose(draws.posterior, draws.sample_stats, 1.0))
    store.put(cell, sampled)
    file = arviz.from_netcdf(store.path(cell.key))
    (stored,) = store.get(cell) or ()
    assert stored.diagnostics is not None
    groups = [file[name] for name in netcdf.GROUPS]
    found = diagnose(*(group.to_dataset() if hasattr(group, "to_dataset") else group for group in groups), 1.0)
    for name, value in stored.diagnostics.to_dict().items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-3 if "ess" in name else 1e-4), name
    assert (file.attrs["judge"], file.attrs["key"], file.attrs["format"]) == ("Jürgen 裁判", cell.key, netcdf.FORMAT)
    assert json.loads(file.attrs["groups"]) == ["s0"]
    assert json.loads(file.attrs["properties"]) == ["p0", "p1"]
    assert json.loads(file.attrs["model"])["name"] == "standard"
    assert json.loads(file.attrs["settings"])["draws"] == 200
    assert set(json.loads(file.attrs["libraries"])) == {"pymc", "nutpie", "numpy"}


def test_a_pooled_cell_of_many_scenarios_fits_into_attributes(store: PosteriorStore) -> None:
    """HDF5 holds attributes over 64 kB elsewhere than small ones."""
    cell = small_cells(60, model=POOLED)[0]
    sampled = made_up(cell)
    sampled.posteriors[:] = [replace(p, covariance=np.random.default_rng(0).normal(size=(2, 2))) for p in sampled.posteriors] * 10
    assert len(as_json(sampled.posteriors)) > 100_000
    netcdf_file = store.folder / "large.nc"
    store.folder.mkdir()
    netcdf_file.write_bytes(netcdf.to_netcdf(cell, sampled))
    assert as_json(netcdf.read_posteriors(netcdf_file, cell.key)) == as_json(sampled.posteriors)


def test_equal_rows_come_back_under_each_ones_names(store: PosteriorStore) -> None:
    cell = small_cells(1)[0]
    twin = replace(cell, judge="twin", groups=(Group("elsewhere", "condition"),), properties=("x", "y"))
    assert twin.key == cell.key
    store.put(cell, made_up(cell))
    (found,) = store.get(twin) or ()
    assert (found.judge, found.group, found.properties) == ("twin", Group("elsewhere", "condition"), ("x", "y"))
    pooled = small_cells(2, model=POOLED)[0]
    store.put(pooled, made_up(pooled))
    renamed = replace(pooled, judge="other", groups=tuple(Group(f"new {group.name}", "scenario") for group in pooled.groups))
    assert [posterior.group.name for posterior in store.get(renamed) or ()] == ["new s0", "new s1", "All pairs"]


def test_names_for_people(tmp_path: Path) -> None:
    store = PosteriorStore(tmp_path, PLENTY, readable=True)
    names = ["GPT-4 (turbo)", "../../etc/passwd", "裁判" * 30, "…"]
    made = [replace(cell, judge=name) for cell, name in zip(small_cells(4), names, strict=True)]
    for cell in made:
        store.put(cell, made_up(cell))
    assert files(store) == sorted(
        f"{slug}--{cell.groups[0].name}--{cell.key[:12]}.nc"
        for cell, slug in zip(made, ["GPT-4-turbo", "etc-passwd", ("裁判" * 30)[:25], "unnamed"], strict=True)
    )
    for cell in made:
        assert as_json(store.get(cell)) == as_json(made_up(cell).posteriors)
        assert store.path(cell.key) in list(tmp_path.iterdir())
    assert store.get(small_cells(1, seed=9)[0]) is None


def test_the_key_covers_what_can_change_the_draws() -> None:
    variants = [
        small_cells(1)[0],
        small_cells(2)[1],
        small_cells(1, seed=1)[0],
        small_cells(1, model=PAPER)[0],
        small_cells(1, model=choose_model("standard", 0.2))[0],
        *(small_cells(1, settings=replace(SHORT, **{name: 300}))[0] for name in ("draws", "tune", "seed")),
        small_cells(1, settings=replace(SHORT, chains=3))[0],
    ]
    assert len({cell.key for cell in variants}) == len(variants)
    assert small_cells(1)[0].key == variants[0].key


def test_least_recently_used_entries_make_room(store: PosteriorStore) -> None:
    made = small_cells(5)
    for age, cell in enumerate(made[:3]):
        store.put(cell, made_up(cell))
        path = store.path(cell.key)
        assert path is not None
        os.utime(path, (1000 + age, 1000 + age))
    size = sum(path.stat().st_size for path in store.folder.iterdir()) // 3
    store.max_bytes = int(3.5 * size)
    assert store.get(made[0]), "the oldest is used again"
    store.put(made[3], made_up(made[3]))
    assert [bool(store.path(cell.key)) for cell in made[:4]] == [True, False, True, True]
    assert store.draws(made[2].key), "reading draws counts as use"
    store.put(made[4], made_up(made[4]))
    assert [bool(store.path(cell.key)) for cell in made] == [False, False, True, True, True]
    store.max_bytes = 0
    store.put(made[0], made_up(made[0]))
    assert files(store) == [], "not even one fits"


def test_what_is_not_ours_is_left_alone(store: PosteriorStore) -> None:
    cell = small_cells(1)[0]
    store.folder.mkdir()
    (store.folder / f"{'a' * 64}.nc").mkdir()
    for name in ("notes.txt", "mine.nc", f"{'A' * 64}.nc", ".hidden.tmp"):
        (store.folder / name).write_bytes(b"x" * 1000)
        os.utime(store.folder / name, (1000, 1000))
    before = files(store)
    store.max_bytes = 10
    store.put(cell, made_up(cell))
    assert files(store) == before


def test_temporary_files_of_the_dead_are_removed(store: PosteriorStore) -> None:
    store.folder.mkdir()
    old, young = (store.folder / f".{letter * 32}.tmp" for letter in "ab")
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    cell = small_cells(1)[0]
    store.put(cell, made_up(cell))
    assert files(store) == [young.name, f"{cell.key}.nc"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "other format", "other cell", "plain NetCDF", "no draws"])
def test_a_broken_entry_is_absent_and_removed(store: PosteriorStore, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell, other = small_cells(2)
    if damage == "other format":
        monkeypatch.setattr(netcdf, "FORMAT", 0)
    store.put(cell, made_up(cell))
    monkeypatch.undo()
    store.put(other, made_up(other))
    path, second = store.path(cell.key), store.path(other.key)
    assert path
    assert second
    content = path.read_bytes()
    attributes = {"format": netcdf.FORMAT, "key": cell.key}
    made = {
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "text": b"<html>" * 99,
        "other format": content,
        "other cell": second.read_bytes(),
        "plain NetCDF": bytes(xarray.Dataset({"x": 1}).to_netcdf(engine="h5netcdf")),
        "no draws": bytes(xarray.Dataset(attrs=attributes).to_netcdf(engine="h5netcdf")),
    }
    path.write_bytes(made[damage])
    if damage == "no draws":
        assert store.draws(cell.key) is None
    else:
        assert store.get(cell) is None
    assert not path.exists()
    assert store.get(other)
    store.put(cell, made_up(cell))
    assert store.get(cell)
    assert store.draws(cell.key)


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """As a user who owns nothing, if the tests run as root, whom no mode of a folder stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_can_only_be_read_or_not_even_that() -> None:
    one, other = small_cells(2)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        store = PosteriorStore(Path(name) / "store", PLENTY)
        store.put(one, made_up(one))
        try:
            store.folder.chmod(0o555)
            with without_rights():
                assert store.get(one), "reading goes on"
                with pytest.raises(PermissionError):
                    store.put(other, made_up(other))
            store.folder.chmod(0o000)
            with without_rights():
                assert store.get(one) is None
                assert store.draws(one.key) is None
            store.folder.chmod(0o755)
            path = store.path(one.key)
            assert path
            path.chmod(0o000)
            with without_rights():
                assert store.get(one) is None
            assert path.exists(), "it may be another user's good entry"
        finally:
            store.folder.chmod(0o755)
    assert PosteriorStore(Path(name) / "gone", PLENTY).get(one) is None


FULL_DISK = """
import resource, sys
from pathlib import Path
from dissection.jobs.store import PosteriorStore
from dissection.settings import CACHE_MB
from tests.jobs_cells import made_up, small_cells
store, cell = PosteriorStore(Path(sys.argv[1]), 10**9), small_cells(1)[0]
sampled = made_up(cell)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    store.put(cell, sampled)
except OSError as error:
    print(type(error).__name__, error.strerror, sorted(store.folder.iterdir()), store.get(cell))
"""


def test_a_file_that_can_not_be_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("OSError File too large [] None\n", "")


SHARED_FOLDER = """
import random, sys, time
from pathlib import Path
from dissection.jobs.store import PosteriorStore
from dissection.settings import CACHE_MB
from tests.jobs_cells import made_up, small_cells
store = PosteriorStore(Path(sys.argv[1]), int(sys.argv[2]))
made = [(cell, made_up(cell)) for cell in small_cells(12)]
choose, found, end = random.Random(int(sys.argv[3])), 0, time.time() + 4
while time.time() < end or (found < 3 and time.time() < end + 60):  # few turns are had where others work
    cell, sampled = choose.choice(made)
    store.put(cell, sampled)
    cell, sampled = choose.choice(made)
    posteriors, draws = store.get(cell), store.draws(cell.key)
    found += bool(posteriors and draws)
    assert posteriors is None or (posteriors[0].mean == sampled.posteriors[0].mean).all()
    assert draws is None or draws.posterior["weights"].shape == (2, 200, 2)
print(found)
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    """Three processes write, read and evict the same twelve entries, of which four fit."""
    cell = small_cells(1)[0]
    limit = int(len(netcdf.to_netcdf(cell, made_up(cell))) * 4.5)
    command = [sys.executable, "-W", "error", "-c", SHARED_FOLDER, str(tmp_path), str(limit)]
    writers = [
        subprocess.Popen([*command, str(seed)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for seed in range(3)
    ]
    largest = found = 0
    while any(writer.poll() is None for writer in writers):
        sizes = []
        for path in tmp_path.glob("*.nc"):
            with contextlib.suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        largest = max(largest, sum(sizes))
        time.sleep(0.01)
    for writer in writers:
        out, err = writer.communicate()
        assert (writer.returncode, err) == (0, "")
        found += int(out)
    assert found > 5, "entries were found while others evicted"
    assert 0 < sum(path.stat().st_size for path in tmp_path.iterdir()) <= limit
    assert largest <= limit * 7.5 / 4.5, "never more above it than what each writer has just put"
    assert not list(tmp_path.glob(".*.tmp"))


def test_the_default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISSECTION_CACHE", "DISSECTION_CACHE_MB", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_store().folder == tmp_path / ".cache" / "preference-dissection"
    assert default_store().max_bytes == CACHE_MB.usual * 1_000_000
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert default_store().folder == tmp_path / "caches" / "preference-dissection"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_store().folder == tmp_path / ".cache" / "preference-dissection", "the specification ignores relative ones"
    monkeypatch.setenv("DISSECTION_CACHE", "~/mine")
    monkeypatch.setenv("DISSECTION_CACHE_MB", "5")
    assert (default_store().folder, default_store().max_bytes) == (tmp_path / "mine", 5_000_000)
    assert list(tmp_path.iterdir()) == [], "asking makes no folder"


@pytest.mark.parametrize("words", ["0", "-1", "many", "1.5", "²", "9" * 30])
def test_bad_sizes_are_refused(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISSECTION_CACHE_MB", words)
    with pytest.raises(InputError, match=r"DISSECTION_CACHE_MB.*whole number from 1"):
        default_store()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("DISSECTION_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"not a folder.*DISSECTION_CACHE"):
        default_store()


def test_settings_reach_the_key_through_bytes() -> None:
    cell = small_cells(1, settings=Settings(draws=150, chains=2))[0]
    assert type(cell).from_bytes(cell.to_bytes()).key == cell.key
