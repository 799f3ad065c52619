"""Opening datasets of the Hub by its own client, from a local server that answers as the Hub does."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dissection.errors import FileError, InputError
from dissection.hub import faults, open_hub
from dissection.hub.address import parse
from dissection.hub.client import Progress, list_parts, usable_token
from dissection.hub.parts import RemoteFile, choose, parts_of
from tests.hub_fixtures import MEMBER, SET, TOKEN, hub, jsonl, pairs, parquet, refused, zipped, zstd
from tests.hub_server import HubServer

__all__ = ["hub"]  # the fixture

ROOT = Path(__file__).resolve().parent.parent


# What is opened


def test_shards_are_put_together_in_their_order(hub: HubServer, tmp_path: Path) -> None:
    files = {f"data/train-0000{i}-of-00003.parquet": parquet(pairs(10, 10 * i)) for i in range(3)}
    hub.add(SET, {"README.md": b"# card", **files, "data/test-00000-of-00001.parquet": parquet(pairs(3, 100))})
    seen: list[Progress] = []
    dataset = open_hub(f"hf://datasets/{SET}", progress=seen.append)
    assert dataset.name == SET
    assert list(dataset.pairs.index) == [f"p{i}" for i in range(30)]
    commit = hub.repos[SET].commit("main")
    assert dataset.notes[0].startswith(
        f"From https://huggingface.co/datasets/{SET} at commit {commit}: configuration default, split train."
    )
    assert "default/test" in dataset.notes[0]
    size = sum(map(len, files.values()))
    assert seen[0] == Progress(0, 3, 0, size)
    assert seen[-1] == Progress(3, 3, size, size)
    assert [step.bytes_done for step in seen] == sorted(step.bytes_done for step in seen)
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
    assert len(hub.bodies()) == 3, "the README and the other split are not downloaded"


def test_the_second_opening_comes_from_the_cache(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(10))})
    first = open_hub(SET)
    hub.asked.clear()
    assert open_hub(SET).content_hash == first.content_hash
    assert [asked.path.partition("?")[0] for asked in hub.asked] == [f"/api/datasets/{SET}"]


def test_a_changed_dataset_is_downloaded_again(hub: HubServer) -> None:
    repo = hub.add(SET, {"train.parquet": parquet(pairs(10))})
    open_hub(SET)
    repo.revisions["main"] = {"train.parquet": parquet(pairs(12))}
    assert len(open_hub(SET)) == 12


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("train.jsonl", jsonl(pairs(10))),
        ("data/train.jsonl.gz", gzip.compress(jsonl(pairs(10)))),
        ("data/train.jsonl.zst", zstd(jsonl(pairs(10)))),
        (
            "train.csv.zip",
            zipped("train.csv", b"pair_id,response_a,response_b,label.human\n" + b"".join(b"p%d,one,two,a\n" % i for i in range(10))),
        ),
        ("data/train.zip", zipped("rows.jsonl", jsonl(pairs(10)))),
        ("train.json", json.dumps(pairs(10)).encode()),
        ("train.csv", b"pair_id,response_a,response_b,label.human\n" + b"".join(b"p%d,one,two,a\n" % i for i in range(10))),
    ],
)
def test_text_is_read_where_there_is_no_parquet(hub: HubServer, path: str, body: bytes) -> None:
    hub.add(SET, {path: body, "dataset_infos.json": b"{}", ".hidden/train.json": b"[]"})
    assert len(open_hub(SET)) == 10


def test_the_hubs_own_conversion_stands_in_for_text(hub: HubServer) -> None:
    repo = hub.add(SET, {"train.jsonl": jsonl(pairs(10))})
    repo.revisions["refs/convert/parquet"] = {
        "default/train/0000.parquet": parquet(pairs(5)),
        "default/train/0001.parquet": parquet(pairs(5, 5)),
    }
    dataset = open_hub(SET)
    assert len(dataset) == 10
    assert f"conversion to Parquet (commit {repo.commit('refs/convert/parquet')})" in dataset.notes[0]
    # A revision has no conversion.
    assert "conversion" not in open_hub(f"hf://datasets/{SET}@{repo.commit('main')}").notes[0]


def test_revisions_configurations_splits_and_files(hub: HubServer) -> None:
    repo = hub.add(
        SET, {"one/train-00000-of-00001.parquet": parquet(pairs(1)), "two/test.parquet": parquet(pairs(2)), "x.jsonl": jsonl(pairs(7))}
    )
    repo.revisions["v1"] = {"data/train.parquet": parquet(pairs(4))}
    assert len(open_hub(f"hf://datasets/{SET}/one/train")) == 1
    assert len(open_hub(f"{SET}/two")) == 2
    assert len(open_hub(f"hf://datasets/{SET}@v1")) == 4
    assert len(open_hub(f"https://huggingface.co/datasets/{SET}/blob/main/x.jsonl")) == 7


def test_small_differences_of_what_is_given_are_named(hub: HubServer) -> None:
    hub.add(SET, {"one/train.parquet": parquet(pairs(1)), "two/dev.parquet": parquet(pairs(2)), "two/test.parquet": parquet(pairs(2))})
    assert "one, two" in refused(faults.ChoiceError).accepted
    assert "dev, test" in refused(faults.ChoiceError, f"{SET}/two").accepted
    assert "one, two" in refused(faults.MissingError, f"{SET}/three").accepted
    assert "dev, test" in refused(faults.MissingError, f"{SET}/two/train").accepted
    assert "one/train.parquet" in refused(faults.MissingError, f"{SET}/four.parquet").accepted


def test_the_card_says_what_belongs_together(hub: HubServer) -> None:
    configs = [
        {"config_name": "all", "data_files": [{"split": "train", "path": ["a/*.parquet", "b/*"]}, {"split": "test", "path": "c.parquet"}]},
        {"config_name": "b", "data_dir": "b"},
        {"config_name": "plain", "data_files": "c.parquet"},
        "nonsense",
        {"config_name": 3},
    ]
    files = {
        "a/x.parquet": parquet(pairs(1)),
        "b/train-000.parquet": parquet(pairs(2, 10)),
        "c.parquet": parquet(pairs(4)),
        "d.parquet": b"",
    }
    hub.add(SET, files, card={"configs": configs})
    listing = list_parts(parse(SET))
    assert list(listing.parts) == ["all/train", "all/test", "b/train", "plain/train"]
    assert len(open_hub(f"{SET}/all/train")) == 3


def test_folders_and_names_say_it_where_the_card_does_not() -> None:
    def labels(*paths: str) -> list[str]:
        return list(parts_of([RemoteFile(path, 1, "c") for path in paths]))

    assert labels("data/human-00000-of-00001.parquet", "data/gpt4_pair-00000-of-00001-0123456789abcdef.parquet") == [
        "default/gpt4_pair",
        "default/human",
    ]
    assert labels("preference/train.jsonl.gz", "preference/validation.jsonl.gz") == ["preference/train", "preference/validation"]
    assert labels("default/partial-train/0000.parquet", "default/partial-train/0001.parquet") == ["default/partial-train"]
    assert labels("en/train/part_0001.parquet", "en/train/part_0002.parquet") == ["en/train-part"]
    assert labels("train.csv", "train.jsonl.gz", "train.parquet", "train.txt", "config.json", "_temp/a.csv") == ["default/train"]
    assert labels("en/train.jsonl.zst", "en/test.csv.zip", "en/dev.tar.gz", "en/dev.txt.zst") == ["en/test", "en/train"]
    assert labels("pictures.zip", "train.csv") == ["default/train"], "what a plain archive holds can't be seen"
    assert labels("pairs.zip", "README.md") == ["default/pairs"]
    assert (
        choose(parts_of([RemoteFile("train.csv", 1, "c"), RemoteFile("train.parquet", 1, "c")]), parse(SET)).files[0].path
        == "train.parquet"
    )
    packed = [RemoteFile(f"train.{form}", 1, "c") for form in ("zip", "csv", "jsonl.zst", "jsonl.gz")]
    assert [file.path for file in parts_of(packed)["default/train"].files] == ["train.jsonl.gz"], "one form of the same rows, the best"


def test_the_reader_can_be_named(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    assert len(open_hub(SET, reader="native")) == 3
    with pytest.raises(InputError, match="no reader named 'none'"):
        open_hub(SET, reader="none")


def test_what_no_reader_knows_is_named(hub: HubServer) -> None:
    hub.add(SET, {"train-00000-of-00002.csv": b"colour,size\nred,1\n", "train-00001-of-00002.csv": b"colour,size\nred,2\n"})
    with pytest.raises(FileError, match="colour, size"):
        open_hub(SET)
    hub.add("owner/objects", {"train-00000-of-00002.json": b'{"a": 1}', "train-00001-of-00002.json": b'{"a": 1}'})
    assert "train-00000" in refused(faults.ChoiceError, "owner/objects").accepted


# Tokens


def test_gated(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))}, gated=True)
    assert "settings/tokens" in refused(faults.GatedError).remedy
    error = refused(faults.GatedError, token=TOKEN)
    assert error.where == f"https://huggingface.co/datasets/{SET}"
    assert "account of this token" in error.remedy
    assert len(open_hub(SET, token=f" {MEMBER}\n")) == 3
    # The file is in the cache now, for those who may have it.
    refused(faults.GatedError, token=TOKEN)
    refused(faults.GatedError, token=False)
    monkeypatch.setenv("HF_TOKEN", MEMBER)
    assert len(open_hub(SET)) == 3
    refused(faults.GatedError, token=False)
    assert all("authorization" not in asked.headers for asked in hub.asked if asked.path.startswith("/blob/")), "large files lie elsewhere"


def test_private_and_missing(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))}, private=True)
    for address in (SET, "owner/none"):
        assert "private" in refused(faults.MissingError, address).problem
        assert "may not see it" in refused(faults.MissingError, address, token=TOKEN).remedy
    assert len(open_hub(SET, token=MEMBER)) == 3
    refused(faults.MissingError, token=TOKEN)


def test_a_token_that_is_not_valid(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    error = refused(faults.AccessError, token="hf_oldoldold")
    assert "hf_oldoldold" not in str(error)
    assert "leave it out" in error.remedy
    hub.asked.clear()
    for nonsense in ("two words", "ümlaut", "line\nbreak", "x" * 5000):
        with pytest.raises(faults.TokenError) as caught:
            open_hub(SET, token=nonsense)
        assert nonsense not in str(caught.value)
    assert not hub.asked
    assert usable_token(False) is False
    assert usable_token("") is False


def test_a_successful_opening_keeps_no_token(hub: HubServer, tmp_path: Path) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))}, gated=True)
    listing = list_parts(parse(SET), MEMBER)
    dataset = open_hub(SET, MEMBER, listing=listing)
    assert MEMBER not in f"{dataset.notes} {listing}"
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not any(MEMBER.encode() in path.read_bytes() for path in kept)


# The command line, with the variables that users set


@pytest.fixture
def command(hub: HubServer, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        known = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        environment = {**known, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), **variables}
        done = subprocess.run(
            [sys.executable, "-m", "dissection", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr or "HF_DEBUG" in variables, "the client's own debugging shows some"
        assert MEMBER not in done.stdout + done.stderr
        return done

    return run


def test_command_line(hub: HubServer, command: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path) -> None:
    hub.add(SET, {"data/train.parquet": parquet(pairs(30))}, gated=True)
    address = f"hf://datasets/{SET}"
    refusal = command("inspect", address)
    assert refusal.returncode == 2
    assert "gated" in refusal.stderr
    done = command("inspect", address, HF_TOKEN=MEMBER, HF_DEBUG="1")
    assert done.returncode == 0, done.stderr
    assert f"{SET}: 30 pairs" in done.stderr
    assert str(hub.repos[SET].commit("main")) in done.stderr
    out = tmp_path / "effects.csv"
    assert command("fit", f"{address}/default/train", "--out", str(out), HF_TOKEN=MEMBER).returncode == 0
    assert out.exists()
    offline = command("inspect", address, HF_TOKEN=MEMBER, HF_HUB_OFFLINE="1")
    assert offline.returncode == 2
    assert "HF_HUB_OFFLINE" in offline.stderr
    assert "not of a dataset" in command("inspect", "https://huggingface.co/lmsys/vicuna").stderr
    assert "HF_TOKEN" in command("inspect", "--help").stdout
