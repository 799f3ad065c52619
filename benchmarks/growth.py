"""How time and memory grow with pairs and judges: `python -m benchmarks.growth`.

29 properties and a position bias, one answer a pair, one group. Each fit runs in a process of its own, so that its peak memory (the
largest resident set, with Python, NumPy and the data) is its own; the data are made 10,000 pairs at a time, so that making them is not
the peak. Each is run three times and the fastest counts, as other work on the machine only adds. The exponent of growth is the slope of
processor seconds, which other work disturbs least, on a log-log scale.

Goals: a million pairs of one judge in at most 10 s and 2 GB on 2 cores, and growth no worse than linear.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.paper_size import PROPERTIES, correlated_comparisons
from dissection.dataset import FloatArray
from dissection.regression.fit import fit_rows
from dissection.regression.model import STANDARD

PAIRS = (1_000, 10_000, 100_000, 1_000_000)
JUDGES = (1, 2, 5, 10, 20, 50, 100, 200)
PAIRS_OF_JUDGES = 1_000
RUNS = 3
CHUNK = 10_000
GOAL_SECONDS, GOAL_GB, GOAL_EXPONENT = 10.0, 2.0, 1.05
BYTES_PER_GB = 1e9


def make(pairs: int, judges: int) -> tuple[FloatArray, FloatArray]:
    """(pairs × properties) comparisons and (pairs × judges × 2) verdicts on A shown first."""
    rng = np.random.default_rng(0)
    weights = rng.laplace(scale=STANDARD.prior_scale, size=(PROPERTIES, judges))
    comparisons, verdicts = np.empty((pairs, PROPERTIES)), np.full((pairs, judges, 2), np.nan)
    for start in range(0, pairs, CHUNK):
        rows = slice(start, min(start + CHUNK, pairs))
        comparisons[rows] = correlated_comparisons(rows.stop - start, rng)
        verdicts[rows, :, 0] = rng.random((rows.stop - start, judges)) < 1 / (1 + np.exp(-comparisons[rows] @ weights))
    return comparisons, verdicts


def peak_gb() -> float:
    """The process' largest resident set so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / BYTES_PER_GB


def fit_once(pairs: int, judges: int) -> dict[str, float]:
    """One fit in this process: its seconds, its sweeps, and the process' peak memory before and after in GB."""
    comparisons, verdicts = make(pairs, judges)
    fit_rows(comparisons[:100], verdicts[:100], STANDARD)  # what is loaded at first use is not counted
    before, started, processor = peak_gb(), time.perf_counter(), time.process_time()
    found = fit_rows(comparisons, verdicts, STANDARD)
    times = {"seconds": time.perf_counter() - started, "processor": time.process_time() - processor}
    return {**times, "sweeps": found.sweeps, "converged": float(found.converged.mean()), "data": before, "peak": peak_gb()}


def measure(pairs: int, judges: int) -> dict[str, float]:
    """The fastest of some fits, each in a new process."""
    command = [sys.executable, "-m", "benchmarks.growth", "--fit", str(pairs), str(judges)]
    folder = Path(__file__).resolve().parents[1]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder) for _ in range(RUNS)]
    results: list[dict[str, float]] = [json.loads(run.stdout) for run in runs]
    return min(results, key=lambda result: result["seconds"])


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """Slope of log seconds on log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def series(name: str, sizes: tuple[int, ...], cells: list[tuple[int, int]]) -> list[dict[str, float]]:
    """Measure and print one table; `cells` are (pairs, judges)."""
    print(f"| {name} | seconds | processor seconds | sweeps | converged, % | peak memory, GB | with the data alone, GB |")
    print("|---|---|---|---|---|---|---|")
    results = []
    for size, cell in zip(sizes, cells, strict=True):
        row = measure(*cell)
        results.append(row)
        print(
            f"| {size:,} | {row['seconds']:.4f} | {row['processor']:.4f} | {row['sweeps']:.0f} | {100 * row['converged']:.0f} | {row['peak']:.2f} | {row['data']:.2f} |",
            flush=True,
        )
    work = [row["processor"] for row in results]
    whole, last = exponent(sizes, work), exponent(sizes[-2:], work[-2:])
    print(
        f"\ngrowth with {name}: processor seconds to the power {whole:.2f} (last step {last:.2f}; goal: at most 1, measured to {GOAL_EXPONENT - 1:.2f})\n"
    )
    results[-1]["exponent"] = whole
    return results


def main() -> int:
    """Print two tables, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description="How time and memory grow with pairs and judges.")
    parser.add_argument("--fit", type=int, nargs=2, metavar=("PAIRS", "JUDGES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit_once(*options.fit)))
        return 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    largest = series("pairs", PAIRS, [(pairs, 1) for pairs in PAIRS])[-1]
    most = series(f"judges, {PAIRS_OF_JUDGES:,} pairs each", JUDGES, [(PAIRS_OF_JUDGES, judges) for judges in JUDGES])[-1]
    print(
        f"{PAIRS[-1]:,} pairs of one judge: {largest['seconds']:.1f} s (goal: at most {GOAL_SECONDS:.0f}), {largest['peak']:.2f} GB (goal: at "
        f"most {GOAL_GB:.0f})"
    )
    missed = largest["seconds"] > GOAL_SECONDS or largest["peak"] > GOAL_GB or max(largest["exponent"], most["exponent"]) > GOAL_EXPONENT
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
