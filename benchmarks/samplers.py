"""The same cells by the fast engine and by three samplers: `python -m benchmarks.samplers`.

Cells of 400 and 820 pairs of the paper-size simulation, model "standard". The samplers: nutpie as `dissection.regression.nuts` runs it
(compiled once, each cell's data bound to it), PyMC's own NUTS, and numpyro's NUTS, which the paper used (in its 32-bit default, chains one
after the other, arguments compiled for; `pip install -r benchmarks/requirements.txt`). Each makes 4 chains of 500 + 2,000, in a process of
its own with one thread. The first cell of each size is sampled twice and only the second time counts, as the first includes compiling.
Ratios are of processor seconds, which other work on the machine disturbs least.

Goals: the fast engine at least 2,000 times numpyro for a cell, with equal means; all 528 cells of the simulation in at most 1 s.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.paper_size import simulate
from dissection.dataset import FloatArray, Group, PairDataset
from dissection.regression.fit import fit
from dissection.regression.model import STANDARD
from dissection.regression.observations import Observations, observations, usable

CELLS = ((0, 0), (4, 11), (8, 22), (9, 5), (10, 32))  # (scenario, judge); the last two scenarios have 820 pairs, the others 400
DRAWS, TUNE, CHAINS = 2000, 500, 4
RUNS = 7
RATIO_GOAL, SECONDS_GOAL = 2000, 1.0
EQUAL = 0.1  # posterior sds; the largest of 150 differences to a sampler's mean, with its Monte Carlo error
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
Result = dict[str, Any]  # seconds, processor: of a cell; first, again: seconds of the first cell, compiling and not; mean, sd: (cells × d)


def cell_rows(dataset: PairDataset, scenario: int, judge: int) -> Observations:
    """The rows of one cell."""
    return observations(*usable(dataset, dataset.scenarios[scenario], [judge]), STANDARD, both=False)


class Timed(NamedTuple):
    """What a call gave, its seconds, and the processor seconds of all its threads."""

    value: Any
    seconds: float
    processor: float


def timed(call: Callable[[], Any]) -> Timed:
    """Call it once."""
    started, processor = time.perf_counter(), time.process_time()
    value = call()
    return Timed(value, time.perf_counter() - started, time.process_time() - processor)


def fast() -> Result:
    """All 528 cells at once, several times."""
    dataset, _, _ = simulate()
    runs = [timed(lambda: fit(dataset)) for _ in range(RUNS)]
    posteriors, seconds = runs[0].value, [run.seconds for run in runs]
    found = {(posterior.group, posterior.judge): posterior for posterior in posteriors}
    chosen = [found[_key(dataset, scenario, judge)] for scenario, judge in CELLS]
    biases = [posterior.position_bias for posterior in chosen]
    return {
        "seconds": statistics.median(seconds) / len(posteriors),
        "processor": statistics.median(run.processor for run in runs) / len(posteriors),
        "all": statistics.median(seconds),
        "best": min(seconds),
        "cells": len(posteriors),
        "mean": [[*p.mean.tolist(), bias.mean] for p, bias in zip(chosen, biases, strict=True) if bias],
        "sd": [[*p.sd.tolist(), bias.sd] for p, bias in zip(chosen, biases, strict=True) if bias],
    }


def _key(dataset: PairDataset, scenario: int, judge: int) -> tuple[Group, str]:
    return dataset.scenarios[scenario], dataset.judge_names[judge]


def nutpie(rows: Observations) -> FloatArray:
    """(draws × d) as the app samples."""
    from dissection.regression.nuts import Settings, sample

    return sample([rows], STANDARD, Settings(draws=DRAWS, tune=TUNE, chains=CHAINS)).matrix()


def pymc(rows: Observations) -> FloatArray:
    """(draws × d) by PyMC's own sampler; PyMC compiles for every call, from its cache if it can."""
    import pymc as pm

    with pm.Model():
        weights = pm.Laplace("weights", 0.0, STANDARD.prior_scale, shape=rows.design.shape[1] - 1)
        bias = pm.Normal("position_bias", 0.0, STANDARD.intercept_sd)
        logit = pm.math.dot(rows.design[:, :-1], weights) + rows.design[:, -1] * bias
        pm.Bernoulli("verdict", logit_p=logit, observed=rows.verdicts[:, 0].astype(int))
        settings = {"chains": CHAINS, "cores": 1, "random_seed": 0, "progressbar": False, "compute_convergence_checks": False}
        posterior = pm.sample(draws=DRAWS, tune=TUNE, **settings).posterior
    shape = (DRAWS * CHAINS, -1)
    return np.concatenate([np.asarray(posterior[name]).reshape(shape) for name in ("weights", "position_bias")], axis=1)


def numpyro_sampler() -> Callable[[Observations], FloatArray]:
    """(draws × d) by numpyro; one sampler for all cells, so that it compiles only for a new number of pairs."""
    import jax
    import numpyro
    from numpyro import distributions as dist

    def model(design: FloatArray, verdicts: FloatArray) -> None:
        weights = numpyro.sample("weights", dist.Laplace(0.0, STANDARD.prior_scale).expand([design.shape[1] - 1]))
        bias = numpyro.sample("position_bias", dist.Normal(0.0, STANDARD.intercept_sd))
        numpyro.sample("verdict", dist.Bernoulli(logits=design[:, :-1] @ weights + design[:, -1] * bias), obs=verdicts)

    sampler = numpyro.infer.MCMC(
        numpyro.infer.NUTS(model),
        num_warmup=TUNE,
        num_samples=DRAWS,
        num_chains=CHAINS,
        chain_method="sequential",
        progress_bar=False,
        jit_model_args=True,
    )

    def sample(rows: Observations) -> FloatArray:
        sampler.run(jax.random.PRNGKey(0), rows.design, rows.verdicts[:, 0])
        drawn = sampler.get_samples()
        return np.column_stack([np.asarray(drawn["weights"], dtype=float), np.asarray(drawn["position_bias"], dtype=float)])

    return sample


SAMPLERS: dict[str, Callable[[], Callable[[Observations], FloatArray]]] = {
    "nutpie": lambda: nutpie,
    "pymc": lambda: pymc,
    "numpyro": numpyro_sampler,
}


def sampled(name: str) -> Result:
    """Every cell by one sampler."""
    if importlib.util.find_spec(name) is None:
        return {"missing": name}
    dataset, _, _ = simulate()
    sampler = SAMPLERS[name]()
    first: dict[int, Timed] = {}  # by number of pairs
    runs: list[Timed] = []
    for cell in CELLS:
        rows = cell_rows(dataset, *cell)
        sample = partial(sampler, rows)
        if len(rows.design) not in first:
            first[len(rows.design)] = timed(sample)
        runs.append(timed(sample))
    return {
        "seconds": statistics.mean(run.seconds for run in runs),
        "processor": statistics.mean(run.processor for run in runs),
        "first": next(iter(first.values())).processor,
        "again": runs[0].processor,
        "mean": [run.value.mean(axis=0).tolist() for run in runs],
        "sd": [run.value.std(axis=0).tolist() for run in runs],
    }


def in_own_process(name: str) -> Result:
    """The result of one engine in a new process with one thread."""
    command = [sys.executable, "-m", "benchmarks.samplers", "--engine", name]
    folder = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=folder, env={**os.environ, **ONE_THREAD})
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def farthest(fast_engine: Result, sampler: Result) -> float:
    """Largest difference of posterior means, in the sampler's posterior sds."""
    return float(np.abs((np.array(fast_engine["mean"]) - np.array(sampler["mean"])) / np.array(sampler["sd"])).max())


def compare() -> bool:
    """Measure and print; whether the goals are met."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(CELLS)} cells of 400 and 820 pairs")
    engine = in_own_process("fast")
    print(
        f"fast engine: all {engine['cells']} cells in {engine['all']:.2f} s (median of {RUNS}; best {engine['best']:.2f} s), one thread\n"
    )
    print("| engine | seconds a cell | processor seconds | first cell, compiling / again | times the fast engine | farthest mean, sds |")
    print("|---|---|---|---|---|---|")
    print(f"| fast engine | {engine['seconds']:.5f} | {engine['processor']:.5f} | – | 1 | – |", flush=True)
    met = engine["all"] <= SECONDS_GOAL
    for name in SAMPLERS:
        found = in_own_process(name)
        if "missing" in found:
            print(f"| {name} | not installed: pip install -r benchmarks/requirements.txt | | | | |", flush=True)
            continue
        ratio, off = found["processor"] / engine["processor"], farthest(engine, found)
        print(
            f"| {name} | {found['seconds']:.1f} | {found['processor']:.1f} | {found['first']:.1f} / {found['again']:.1f} | {ratio:,.0f} | "
            f"{off:.3f} |",
            flush=True,
        )
        met = met and off < EQUAL and (name != "numpyro" or ratio >= RATIO_GOAL)
    print(
        f"\ngoals: numpyro at least {RATIO_GOAL:,} times the fast engine, means within {EQUAL} sd; all cells in at most {SECONDS_GOAL:g} s"
    )
    return met


def main() -> int:
    """Print, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description="The same cells by several engines.")
    parser.add_argument("--engine", choices=["fast", *SAMPLERS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        print(json.dumps(fast() if options.engine == "fast" else sampled(options.engine)))
        return 0
    return int(not compare())


if __name__ == "__main__":
    sys.exit(main())
