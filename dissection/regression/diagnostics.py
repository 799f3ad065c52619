"""Whether draws can be trusted: R-hat, effective sample sizes, divergences and energy, with all thresholds in one place.

R-hat and the bulk and tail effective sample sizes are the rank-normalised ones of Vehtari et al. 2021 (doi:10.1214/20-BA1221), the energy
measure is that of Betancourt 2016 (arXiv 1604.00695); ArviZ computes them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

MAX_RHAT = 1.01
MIN_ESS = 400.0  # bulk and tail, over all chains
MAX_DIVERGENCES = 0
MIN_BFMI = 0.3


@dataclass(frozen=True)
class Diagnostics:
    """The worst value over all weights of one cell.

    Attributes:
        rhat: largest R-hat.
        ess_bulk, ess_tail: smallest effective sample sizes, in draws.
        divergences: divergent transitions after warm-up, over all chains.
        bfmi: smallest energy Bayesian fraction of missing information of a chain.
        chains, draws: how many chains, and kept draws of each.
        seconds: that sampling took.
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    bfmi: float
    chains: int
    draws: int
    seconds: float

    @property
    def failures(self) -> tuple[str, ...]:
        """What is beyond its threshold, in words; empty where the draws can be trusted."""
        checks = (
            (self.rhat < MAX_RHAT, f"R-hat {self.rhat:.3f}, not under {MAX_RHAT}"),
            (self.ess_bulk > MIN_ESS, f"bulk ESS {self.ess_bulk:.0f}, not over {MIN_ESS:.0f}"),
            (self.ess_tail > MIN_ESS, f"tail ESS {self.ess_tail:.0f}, not over {MIN_ESS:.0f}"),
            (self.divergences <= MAX_DIVERGENCES, f"{self.divergences} divergences, more than {MAX_DIVERGENCES}"),
            (self.bfmi > MIN_BFMI, f"energy BFMI {self.bfmi:.2f}, not over {MIN_BFMI}"),
        )
        # A NaN fails, as it should: no comparison with it is true.
        return tuple(words for passed, words in checks if not passed)

    @property
    def passed(self) -> bool:
        return not self.failures

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Diagnostics":
        """From `to_dict`."""
        return cls(**values)


def diagnose(posterior: "xarray.Dataset", sample_stats: "xarray.Dataset", seconds: float) -> Diagnostics:
    """The diagnostics of one cell's draws.

    Args:
        posterior: of `nuts.Draws`; every variable counts.
        sample_stats: with `diverging` and `energy`.
        seconds: that sampling took.
    """
    import arviz

    energy = np.asarray(sample_stats["energy"], dtype=float)
    # Betancourt 2016, equation 7: how far the energy moves between draws, over how far it varies.
    moved = (np.diff(energy, axis=1) ** 2).mean(axis=1) / energy.var(axis=1)

    def worst(found: Any, choose: Any) -> float:
        return float(choose([float(choose(np.asarray(found[name]))) for name in found.data_vars]))

    return Diagnostics(
        rhat=worst(arviz.rhat(posterior), np.max),
        ess_bulk=worst(arviz.ess(posterior, method="bulk"), np.min),
        ess_tail=worst(arviz.ess(posterior, method="tail"), np.min),
        divergences=int(np.asarray(sample_stats["diverging"]).sum()),
        bfmi=float(moved.min()),
        chains=energy.shape[0],
        draws=energy.shape[1],
        seconds=seconds,
    )
