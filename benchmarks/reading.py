"""Reading and validating a million pairs in the native form, beside `pandas.read_parquet` of the same file: `python -m benchmarks.reading`.

Five judges (one asked in both orders, one with probabilities), ten properties with scores of both answers, texts of about 80 and 300
characters. Each reading runs in a process of its own, which first reads a small file, so that imports are not counted. Memory is what
belongs to no file (RssAnon, sampled every 20 ms), at its peak and at the end, since a mapped file counts as resident without costing
anyone memory; the largest resident set stands beside it. Linux only, as it reads /proc.
"""

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

PAIRS = 1_000_000
PART = 50_000
JUDGES = ("human", "gpt-4", "llama-2-70b", "qwen-14b")
PROPERTIES = tuple(f"property {i}" for i in range(10))
WAYS = ("pandas", "dissection")
RUNS = 3
MB = 1e6


def part(start: int, count: int, *, nested: bool) -> pa.Table:
    """Pairs from `start` on, with dotted columns or nested."""
    rng = np.random.default_rng(start)
    words = np.array([f"word{i}" for i in range(500)])

    def texts(length: int) -> list[str]:
        return [" ".join(row) for row in words[rng.integers(0, 500, (count, length))]]

    verdicts = np.array(["a", "b", "tie", None], dtype=object)
    columns: dict[str, Any] = {
        "pair_id": [f"p{start + i}" for i in range(count)],
        "scenario": np.array([f"scenario {i}" for i in range(11)])[rng.integers(0, 11, count)],
        "query": texts(12),
        "response_a": texts(45),
        "response_b": texts(45),
        **{f"label.{judge}": verdicts[rng.integers(0, 4, count)] for judge in JUDGES},
        "label.both.ab": verdicts[rng.integers(0, 4, count)],
        "label.both.ba": verdicts[rng.integers(0, 4, count)],
        "label.probability": rng.random(count),
        **{f"property.{name}.{side}": rng.integers(0, 4, count).astype(float) for name in PROPERTIES for side in "ab"},
        "meta.language": np.array(["en", "de", "fr"])[rng.integers(0, 3, count)],
    }
    if not nested:
        return pa.table(columns)
    labels = {judge: pa.array(columns.pop(f"label.{judge}")) for judge in (*JUDGES, "probability")}
    labels["both"] = pa.StructArray.from_arrays([pa.array(columns.pop(f"label.both.{order}")) for order in ("ab", "ba")], ["ab", "ba"])
    scores = {
        name: pa.StructArray.from_arrays([pa.array(columns.pop(f"property.{name}.{side}")) for side in "ab"], ["a", "b"])
        for name in PROPERTIES
    }
    columns["labels"] = pa.StructArray.from_arrays(list(labels.values()), list(labels))
    columns["properties"] = pa.StructArray.from_arrays(list(scores.values()), list(scores))
    columns["meta"] = pa.StructArray.from_arrays([pa.array(columns.pop("meta.language"))], ["language"])
    return pa.table(columns)


def write(path: Path, pairs: int, *, nested: bool) -> None:
    """A file of so many pairs, in Parquet, or in JSON Lines where its name says so."""
    if path.suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as file:
            for start in range(0, pairs, PART):
                file.writelines(json.dumps(row) + "\n" for row in part(start, min(PART, pairs - start), nested=nested).to_pylist())
        return
    first = part(0, min(PART, pairs), nested=nested)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for start in range(PART, pairs, PART):
            writer.write_table(part(start, min(PART, pairs - start), nested=nested))


def anonymous() -> float:
    """MB of memory that belong to no file."""
    return int(Path("/proc/self/status").read_text(encoding="utf-8").split("RssAnon:")[1].split()[0]) * 1024 / MB


class Peak(threading.Thread):
    """The most anonymous memory while it runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.02):
            self.most = max(self.most, anonymous())


def read(path: Path, way: str) -> int:
    """The number of pairs, once all of it is read."""
    if way == "pandas":
        frame = pd.read_json(path, lines=True) if path.suffix == ".jsonl" else pd.read_parquet(path)
        return keep(frame)
    from dissection.readers import open_dataset

    return keep(open_dataset(path))


KEPT: list[Any] = []


def keep(found: Any) -> int:
    KEPT.append(found)
    return len(found)


def measure(path: Path, small: Path, way: str) -> dict[str, float]:
    """One reading in this process."""
    read(small, way)
    before, peak = anonymous(), Peak()
    peak.start()
    started, worked = time.perf_counter(), time.process_time()
    pairs = read(path, way)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    peak.done.set()
    return {
        "pairs": pairs,
        "seconds": seconds,
        "processor_seconds": worked,
        "peak_mb": max(peak.most, anonymous()) - before,
        "end_mb": anonymous() - before,
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB,
    }


def best(path: Path, small: Path, way: str, runs: int) -> dict[str, float]:
    """The fastest of several processes, as other work on the machine only adds."""
    command = [sys.executable, "-m", "benchmarks.reading", "--one", way, str(path), str(small)]
    found = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(runs)]
    return min(found, key=lambda one: one["seconds"])


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--json-lines", action="store_true", help="also as JSON Lines, which takes minutes to write")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, path, small = options.one
        print(json.dumps(measure(Path(path), Path(small), way)))
        return
    forms = [("dotted columns, Parquet", ".parquet", False), ("nested, Parquet", ".parquet", True)]
    forms += [("nested, JSON Lines", ".jsonl", True)] if options.json_lines else []
    with TemporaryDirectory() as folder:
        for name, ending, nested in forms:
            path, small = Path(folder) / f"large{ending}", Path(folder) / f"small{ending}"
            write(path, options.pairs, nested=nested)
            write(small, 1_000, nested=nested)
            found = {way: best(path, small, way, options.runs) for way in WAYS}
            print(f"{name}: {options.pairs:,} pairs, {path.stat().st_size / MB:,.0f} MB")
            for way, one in found.items():
                ratio = one["seconds"] / found["pandas"]["seconds"]
                print(
                    f"  {way:10} {one['seconds']:6.1f} s ({ratio:.2f} of pandas), {one['processor_seconds']:.1f} s of a processor  anonymous memory: peak {one['peak_mb']:,.0f} MB, "
                    f"at the end {one['end_mb']:,.0f} MB; largest resident set {one['resident_mb']:,.0f} MB"
                )


if __name__ == "__main__":
    main()
