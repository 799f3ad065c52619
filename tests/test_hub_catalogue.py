"""The list of known datasets: well-formed, with addresses that parse and readers that exist."""

import json

import pytest

from dissection.hub.address import parse
from dissection.hub.catalogue import FILE, KnownSet, catalogue
from dissection.hub.client import MAX_BYTES
from dissection.readers import READERS


def test_the_papers_own_data_comes_first() -> None:
    assert catalogue()[0].repo == "GAIR/preference-dissection"


def test_nothing_comes_twice() -> None:
    addresses = [str(known.address) for known in catalogue()]
    assert len(set(addresses)) == len(addresses) >= 8
    assert len({known.label for known in catalogue()}) == len(addresses)
    assert len(json.loads(FILE.read_text(encoding="utf-8"))["sets"]) == len(addresses)


@pytest.mark.parametrize("known", catalogue(), ids=lambda known: f"{known.repo}-{known.split or known.file}")
def test_line(known: KnownSet) -> None:
    assert parse(str(known.address)) == known.address
    assert known.address.repo == known.repo
    assert known.reader in {reader.NAME for reader in READERS}
    assert known.rows is None or known.rows > 100
    assert known.megabytes is None or 0 < known.megabytes < MAX_BYTES / 1e6
    assert known.licence
    assert known.gated in (True, False, None)
    assert (known.file is None) == (known.config is not None) == (known.split is not None)
    assert known.learn.endswith((".", "?"))
    assert len(known.learn) < 140
