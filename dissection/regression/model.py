"""The regression model of a judge's verdicts and its presets.

P(A preferred) = σ(β·o + Σ_i α_i φ_i) with φ_i the comparison on property i, α_i ~ Laplace(0, b), and o = +1 when A is shown first,
-1 when B is. β ~ Normal(0, intercept_sd) is the position bias; without it the model is that of Li et al. (ACL 2024, arXiv 2402.11296).
In the pooled model a weight is α_si = μ_i + δ_si in scenario s: μ_i has the Laplace prior, δ_si ~ Normal(0, τ_i), τ_i ~ HalfNormal(b), and
the position bias is pooled alike. A soft verdict y in [0, 1] enters through y·log σ(f) + (1-y)·log σ(-f); a tie is y = 0.5.
"""

import math
from dataclasses import dataclass, replace

from dissection.errors import InputError, UnknownNameError

# Half the width of the prior's 95 % interval, in prior scales: of Laplace(0, 1), and of that plus Normal(0, τ) with τ ~ HalfNormal(1).
LAPLACE_REACH, POOLED_REACH = math.log(20), 3.603
MIN_PRIOR_SCALE, MAX_PRIOR_SCALE = 0.001, 10.0


@dataclass(frozen=True)
class Model:
    """Settings of the regression.

    Attributes:
        name: "standard", "paper" or "pooled".
        prior_scale: b of the Laplace(0, b) prior on every weight, in log-odds.
        intercept_sd: standard deviation of the normal prior on the position bias, in log-odds; None: no intercept.
        pooled: whether a judge's scenarios are fitted together and share what they have in common.
        folds: 0: one fit; k > 1: the mean of k fits that each leave one kth of the pairs out, as the paper did with 10.
    """

    name: str
    prior_scale: float = 0.1
    intercept_sd: float | None = None
    pooled: bool = False
    folds: int = 0

    @property
    def prior_reach(self) -> float:
        """Half the width of the prior's own 95 % interval of a weight, in log-odds."""
        return self.prior_scale * (POOLED_REACH if self.pooled else LAPLACE_REACH)

    @property
    def description(self) -> str:
        """One sentence for captions."""
        intercept = f"position bias ~ Normal(0, {self.intercept_sd:g})" if self.intercept_sd is not None else "no intercept"
        sharing = "; scenarios share what they have in common, and “All pairs” shows what they share" if self.pooled else ""
        folds = f"; mean of {self.folds} fits, each without one part in {self.folds} of the pairs" if self.folds else ""
        return f"Model “{self.name}”: weights ~ Laplace(0, {self.prior_scale:g}), {intercept}, ties and soft verdicts used{sharing}{folds}."


PAPER = Model("paper")
STANDARD = Model("standard", intercept_sd=1.0)
POOLED = Model("pooled", intercept_sd=1.0, pooled=True)
PAPER_FOLDS, MAX_FOLDS = 10, 100
PRESETS = {model.name: model for model in (STANDARD, PAPER, POOLED)}


def choose_model(name: str = "standard", prior_scale: float | None = None, folds: int = 0) -> Model:
    """A preset, with another prior scale or as a mean of folds where these are given.

    Raises:
        UnknownNameError: no preset has this name.
        InputError: the prior scale is not a number from 0.001 to 10, or there are folds in a model other than the paper's.
    """
    if name not in PRESETS:
        raise UnknownNameError(f"There is no model named {name!r}.", accepted=", ".join(PRESETS))
    scale = PRESETS[name].prior_scale if prior_scale is None else prior_scale
    if not math.isfinite(scale) or not MIN_PRIOR_SCALE <= scale <= MAX_PRIOR_SCALE:
        raise InputError(
            f"The prior scale is {scale}.",
            accepted=f"a number from {MIN_PRIOR_SCALE} to {MAX_PRIOR_SCALE:g}; the paper used 0.1",
            remedy="choose a scale in that range",
        )
    if folds and name != PAPER.name:
        raise InputError(
            "The mean of leave-one-part-out fits is the paper's way.",
            accepted="the model “paper”",
            remedy="choose it, or leave the folds out",
        )
    if folds and not 2 <= folds <= MAX_FOLDS:
        raise InputError(f"The number of folds is {folds}.", accepted=f"a whole number from 2 to {MAX_FOLDS}; the paper used {PAPER_FOLDS}")
    return replace(PRESETS[name], prior_scale=scale, folds=folds)
