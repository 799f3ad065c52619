"""What a run may take: requests at a time and a minute, money and calls."""

import math
from dataclasses import dataclass
from typing import Final

from dissection.errors import InputError

MAX_CONCURRENCY: Final = 64


def _check_amounts(what: str, *amounts: float) -> None:
    if not all(math.isfinite(amount) and amount >= 0 for amount in amounts):
        raise InputError(f"{what} is no amount.", accepted="numbers from 0", remedy="correct it")


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost, in whatever money the user counts.

    Raises:
        InputError: one is no amount.
    """

    tokens_in: float
    tokens_out: float

    def __post_init__(self) -> None:
        _check_amounts("A price", self.tokens_in, self.tokens_out)

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """The cost of so many tokens."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


@dataclass(frozen=True)
class Budget:
    """What may be spent on a run, with what its journal has of it; None: no limit.

    Attributes:
        money: in the money of the prices.
        calls: requests that are answered, or may be charged for.

    Raises:
        InputError: one is no amount.
    """

    money: float | None = None
    calls: int | None = None

    def __post_init__(self) -> None:
        _check_amounts("A budget", self.money or 0.0, self.calls or 0)


@dataclass(frozen=True)
class Limits:
    """What a run keeps to.

    Attributes:
        concurrency: requests at a time, 1 to 64.
        per_minute: requests; None: no limit.
        budget: what may be spent.
        prices: of a million tokens; None: cost is not counted.

    Raises:
        InputError: one is out of its range, or money is limited and no price is known.
    """

    concurrency: int = 4
    per_minute: float | None = None
    budget: Budget = Budget()
    prices: Prices | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise InputError(
                f"{self.concurrency} requests at a time.", accepted=f"1 to {MAX_CONCURRENCY}", remedy="choose a number in between"
            )
        if self.per_minute is not None and not 0 < self.per_minute < math.inf:
            raise InputError(f"{self.per_minute} requests a minute.", accepted="a number above 0", remedy="leave it out for no limit")
        if self.budget.money is not None and self.prices is None:
            raise InputError(
                "A budget in money needs prices.",
                accepted="prices of a million tokens in and out",
                remedy="give both prices, or limit the calls",
            )


USUAL: Final = Limits()
