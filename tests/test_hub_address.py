"""Addresses of the Hub: what they mean, and what is refused."""

import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dissection.errors import InputError
from dissection.hub.address import HubAddress, is_address, is_data_file, parse
from dissection.hub.faults import AddressError

WEB = "https://huggingface.co/datasets/lmsys/mt_bench"

MEANT = {
    "hf://datasets/lmsys/mt_bench": HubAddress("lmsys", "mt_bench"),
    "hf:/datasets/lmsys/mt_bench/default/human": HubAddress("lmsys", "mt_bench", None, "default", "human"),
    "HF://datasets/lmsys/mt_bench/default": HubAddress("lmsys", "mt_bench", None, "default"),
    "hf://datasets/lmsys/mt_bench@v1.0/default/human": HubAddress("lmsys", "mt_bench", "v1.0", "default", "human"),
    "hf://datasets/lmsys/mt_bench@refs/convert/parquet/default": HubAddress("lmsys", "mt_bench", "refs/convert/parquet", "default"),
    "hf://datasets/lmsys/mt_bench@refs%2Fpr%2F3": HubAddress("lmsys", "mt_bench", "refs/pr/3"),
    "hf://datasets/lmsys/mt_bench/data/a.parquet": HubAddress("lmsys", "mt_bench", file="data/a.parquet"),
    "hf://datasets/lmsys/mt_bench@v1/data/a.jsonl.gz": HubAddress("lmsys", "mt_bench", "v1", file="data/a.jsonl.gz"),
    "lmsys/mt_bench": HubAddress("lmsys", "mt_bench"),
    " lmsys/mt_bench/default/human \n": HubAddress("lmsys", "mt_bench", None, "default", "human"),
    "datasets/lmsys/mt_bench": HubAddress("lmsys", "mt_bench"),
    WEB: HubAddress("lmsys", "mt_bench"),
    f"<{WEB}/>.": HubAddress("lmsys", "mt_bench"),
    f"{WEB}?library=pandas#top": HubAddress("lmsys", "mt_bench"),
    "huggingface.co/datasets/lmsys/mt_bench": HubAddress("lmsys", "mt_bench"),
    "http://hf.co/datasets/lmsys/mt_bench/discussions/3": HubAddress("lmsys", "mt_bench"),
    f"{WEB}/viewer": HubAddress("lmsys", "mt_bench"),
    f"{WEB}/viewer/default/human?sql=SELECT+1&row=3": HubAddress("lmsys", "mt_bench", None, "default", "human"),
    f"{WEB}/viewer?config=default&split=human": HubAddress("lmsys", "mt_bench"),
    f"{WEB}?config=default&split=human": HubAddress("lmsys", "mt_bench", None, "default", "human"),
    f"{WEB}/tree/main": HubAddress("lmsys", "mt_bench"),
    f"{WEB}/tree/v2/data": HubAddress("lmsys", "mt_bench", "v2"),
    f"{WEB}/tree/refs%2Fconvert%2Fparquet": HubAddress("lmsys", "mt_bench", "refs/convert/parquet"),
    f"{WEB}/blob/main/data/human-00000-of-00001.parquet": HubAddress("lmsys", "mt_bench", file="data/human-00000-of-00001.parquet"),
    f"{WEB}/resolve/refs/pr/2/a.csv?download=true": HubAddress("lmsys", "mt_bench", "refs/pr/2", file="a.csv"),
    f"{WEB}/blob/v2/README.md": HubAddress("lmsys", "mt_bench", "v2"),
}


@pytest.mark.parametrize("text", MEANT)
def test_what_an_address_means(text: str) -> None:
    assert parse(text) == MEANT[text]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("https://huggingface.co/lmsys/vicuna-7b", "a model"),
        ("https://huggingface.co/spaces/lmsys/arena", "a Space"),
        ("hf://models/lmsys/vicuna", "a model"),
        ("hf://lmsys/vicuna", "a model"),
        ("hf://spaces/lmsys/arena", "a Space"),
        ("hf://buckets/lmsys/x", "a bucket"),
        ("hf://", "no dataset"),
        ("https://huggingface.co/datasets", "list of datasets"),
        ("https://huggingface.co/datasets/squad", "list of datasets"),
        ("https://huggingface.co/", "the Hub itself"),
        ("https://example.com/datasets/lmsys/mt_bench", "not on the Hugging Face Hub"),
        ("https://huggingface.co.example.com/datasets/a/b", "not on the Hugging Face Hub"),
        ("https://huggingface.co@example.com/datasets/a/b", "not on the Hugging Face Hub"),
        ("s3://bucket/key", "Only the Hugging Face Hub"),
        ("squad", "owner/name"),
        ("a/b/c/d/e", "more parts"),
        ("../../etc/passwd", "can't be a name"),
        ("a/b@", "No revision"),
        ("a--b/c", "can't be the name"),
        ("a/b\x00", "can't be an address"),
        ("hf://datasets/a/b/%2e%2e/x", "can't be a name"),
        (f"{WEB}/viewer/my%20config", "can't be a name"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert said in caught.value.problem
    assert "hf://datasets/owner/name" in caught.value.accepted


JUNK = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [
            "hf:",
            "//",
            "/",
            "@",
            "?",
            "#",
            "%",
            "%2F",
            "%2E",
            "%40",
            "%25",
            "..",
            "datasets",
            "huggingface.co",
            "https:",
            "a",
            "b-c",
            "refs/convert/parquet",
            "x.parquet",
            "viewer",
            "tree",
            "blob",
            "main",
            "[",
            "]",
            ":",
            "\x00",
            "é",
            " ",
        ]
    ),
    max_size=12,
).map("".join)


@given(JUNK)
@example("https://[huggingface.co/datasets/a/b")
@example("//[::1")
@example("hf://datasets/a/b@/")
@example("0/0/%2F")
@example("0/0/%40/%25")
@example("//hf.co/datasets/a/b/viewer/x.parquet")
@example("0/0@a%2Fb")
@example("0/0/x%2F..%2Fa.parquet")
@example("0/0/a%2E")
def test_nothing_but_an_input_error_is_raised(text: str) -> None:
    try:
        found = parse(text)
    except InputError:
        return
    assert found.owner
    assert found.name
    assert parse(str(found)) == found, "what is shown can be pasted again"


NAMES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)
WORDS = st.text(string.ascii_letters + string.digits + "-_ .é", min_size=1, max_size=12).filter(
    lambda word: not any(char.isspace() for char in word) and word not in (".", "..")
)


@given(NAMES, NAMES, st.none() | NAMES | st.just("refs/convert/parquet"), st.none() | WORDS, st.none() | WORDS)
def test_every_address_survives_writing_and_reading(
    owner: str, name: str, revision: str | None, config: str | None, split: str | None
) -> None:
    assume(not is_data_file(f"{config}/{split}" if split else f"{config}"))
    address = HubAddress(owner, name, revision, config, split if config else None)
    assert parse(str(address)) == address
    assert is_address(str(address))


@pytest.mark.parametrize("text", ["demo.jsonl", "./hf/x", "data/x.parquet", "C:/x", "/tmp/x", "hf/x.csv"])
def test_files_are_no_addresses(text: str) -> None:
    assert not is_address(text)
