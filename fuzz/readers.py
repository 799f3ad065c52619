"""Coverage-guided fuzzing of everything that reads a visitor's file. See `fuzz/README.md`."""

import hashlib
import json
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import atheris

with atheris.instrument_imports(include=["dissection"]):
    from dissection.readers import READERS, open_dataset
    from fuzz.checks import check_dataset, check_labels, check_mapping
from fuzz.mutations import FILES, LABELS, NATIVE, WRITE, file

T = TypeVar("T")
DATASET = open_dataset(json.dumps(NATIVE[0]).encode(), "pairs.json")
ENTRIES = ("bytes", "bytes, reader named", "bytes as labels", "bytes mapped", "rows", "rows, reader named", "rows as labels", "rows mapped")
THOROUGH = 8  # one of so many datasets is examined, written down and read again, which takes a hundred times as long as a refusal


COUNTS: Counter[tuple[str, bool]] = Counter()


class Provided:
    """Choices out of the fuzzer's bytes."""

    def __init__(self, provider: atheris.FuzzedDataProvider) -> None:
        self._provider = provider

    def integer(self, low: int, high: int) -> int:
        return self._provider.ConsumeIntInRange(low, high)

    def pick(self, items: Sequence[T]) -> T:
        return items[self._provider.ConsumeIntInRange(0, len(items) - 1)]

    def noise(self, most: int) -> bytes:
        return self._provider.ConsumeBytes(most)


def one_input(data: bytes) -> None:
    """One case: the first byte says by which way it goes in."""
    if not data:
        return
    way, rest = data[0] % len(ENTRIES), data[1:]
    provider = atheris.FuzzedDataProvider(rest)
    choose = Provided(provider)
    name = choose.pick(READERS).NAME if "named" in ENTRIES[way] else None
    labels = "labels" in ENTRIES[way]
    content = file(choose.pick(LABELS if labels else FILES), choose) if ENTRIES[way].startswith("rows") else rest
    thorough = hashlib.blake2b(data, digest_size=1).digest()[0] % THOROUGH == 0
    if labels:
        good = check_labels(content, DATASET)
    elif "mapped" in ENTRIES[way]:
        good = check_mapping(content, thorough=thorough)
    else:
        good = check_dataset(lambda: open_dataset(content, "x", name), thorough=thorough)
    COUNTS[ENTRIES[way], good] += 1
    if sum(COUNTS.values()) % 5_000 == 0:
        counts = "; ".join(f"{way}, {'read' if good else 'refused'}: {n:,}" for (way, good), n in sorted(COUNTS.items()))
        sys.stdout.write(f"{sum(COUNTS.values()):,} cases: {counts}\n")
        sys.stdout.flush()


def seeds(folder: Path) -> None:
    """The examples of every form, in every kind of file, for the entries that take bytes."""
    for number, rows in enumerate([*FILES, *LABELS]):
        for kind, write in enumerate(WRITE):
            for way in range(4):
                (folder / f"{number}-{kind}-{way}").write_bytes(bytes([way]) + write(rows))


def main() -> None:
    """Runs until the fuzzer's own limit; its options are passed on."""
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", ResourceWarning)
    with tempfile.TemporaryDirectory() as corpus:
        seeds(Path(corpus))
        atheris.Setup([sys.argv[0], corpus, *sys.argv[1:]], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
