"""The regression model of a judge's verdicts and its two presets.

P(A preferred) = σ(β·o + Σ_i α_i φ_i) with φ_i the comparison on property i, α_i ~ Laplace(0, b), and o = +1 when A is shown first,
-1 when B is. β ~ Normal(0, intercept_sd) is the position bias; without it the model is that of Li et al. (ACL 2024, arXiv 2402.11296).
A soft verdict y in [0, 1] enters through y·log σ(f) + (1-y)·log σ(-f); a tie is y = 0.5.
"""

import math
from dataclasses import dataclass, replace

from dissection.errors import InputError, UnknownNameError

MIN_PRIOR_SCALE, MAX_PRIOR_SCALE = 0.001, 10.0


@dataclass(frozen=True)
class Model:
    """Settings of the regression.

    Attributes:
        name: "paper" or "standard".
        prior_scale: b of the Laplace(0, b) prior on every weight, in log-odds.
        intercept_sd: standard deviation of the normal prior on the position bias, in log-odds; None: no intercept.
    """

    name: str
    prior_scale: float = 0.1
    intercept_sd: float | None = None

    @property
    def description(self) -> str:
        """One sentence for captions."""
        intercept = f"position bias ~ Normal(0, {self.intercept_sd:g})" if self.intercept_sd is not None else "no intercept"
        return f"Model “{self.name}”: weights ~ Laplace(0, {self.prior_scale:g}), {intercept}, ties and soft verdicts used."


PAPER = Model("paper")
STANDARD = Model("standard", intercept_sd=1.0)
PRESETS = {model.name: model for model in (STANDARD, PAPER)}


def choose_model(name: str = "standard", prior_scale: float | None = None) -> Model:
    """A preset, with another prior scale where one is given.

    Raises:
        UnknownNameError: no preset has this name.
        InputError: the prior scale is not a number between 0.001 and 10.
    """
    if name not in PRESETS:
        raise UnknownNameError(f"There is no model named {name!r}.", accepted=", ".join(PRESETS))
    if prior_scale is None:
        return PRESETS[name]
    if not math.isfinite(prior_scale) or not MIN_PRIOR_SCALE <= prior_scale <= MAX_PRIOR_SCALE:
        raise InputError(
            f"The prior scale is {prior_scale}.",
            accepted=f"a number from {MIN_PRIOR_SCALE} to {MAX_PRIOR_SCALE:g}; the paper used 0.1",
            remedy="choose a scale in that range",
        )
    return replace(PRESETS[name], prior_scale=prior_scale)
