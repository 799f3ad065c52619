"""What every command that asks a model has in common: whom it asks, its limits, the journal, the dry run, progress and what was spent."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dissection.cli_words import looked_at, say
from dissection.endpoint.keys import KEY, key_for
from dissection.errors import InputError
from dissection.wording import count

if TYPE_CHECKING:
    from dissection.endpoint.address import Endpoint
    from dissection.endpoint.calls import Call, Estimate
    from dissection.endpoint.client import ChatClient
    from dissection.endpoint.limits import Limits
    from dissection.endpoint.run import Progress, Run

SHOWN_PAIRS = 5
SHOWN_REASONS = 10


def add_whom(parser: argparse.ArgumentParser) -> None:
    """Options that say whom to ask."""
    whom = parser.add_argument_group(
        "whom to ask", f"a key is taken from {KEY} alone, or from OPENAI_API_KEY or HF_TOKEN for their own hosts"
    )
    place = whom.add_mutually_exclusive_group(required=True)
    place.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible chat endpoint, https://host/v1")
    place.add_argument("--provider", metavar="P", help="a provider of Hugging Face's inference, or auto")
    whom.add_argument("--model", required=True, metavar="M", help="the model, as the endpoint calls it; the judge's name")


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Options of the limits, the journal and the dry run."""
    limits = parser.add_argument_group("limits")
    limits.add_argument("--concurrency", type=int, default=4, metavar="N", help="requests at a time; default 4")
    limits.add_argument("--per-minute", type=float, metavar="N", help="requests a minute; default no limit")
    limits.add_argument("--budget", type=float, metavar="X", help="the most that may be spent, at your prices")
    limits.add_argument("--max-calls", type=int, metavar="N", help="the most requests that may be charged for")
    limits.add_argument("--price-in", type=float, metavar="X", help="of a million tokens sent")
    limits.add_argument("--price-out", type=float, metavar="X", help="of a million tokens of answers")
    parser.add_argument("--journal", type=Path, metavar="DIR", help="keeps each answer as it comes; the same command goes on from there")
    parser.add_argument(
        "--dry-run",
        type=int,
        nargs="?",
        const=0,
        metavar="N",
        help="print the prompts of five pairs and the estimate, and ask about N pairs (0)",
    )


def endpoint_of(options: argparse.Namespace) -> "Endpoint":
    """Whom the options name."""
    from dissection.endpoint.address import Endpoint

    return Endpoint(options.model, options.endpoint or "", options.provider or "")


def limits_of(options: argparse.Namespace) -> "Limits":
    """The limits that the options set."""
    from dissection.endpoint.limits import Budget, Limits, Prices

    given = (options.price_in, options.price_out)
    if (given[0] is None) != (given[1] is None):
        raise InputError("One price is missing.", accepted="--price-in and --price-out, each of a million tokens", remedy="give both")
    prices = None if given[0] is None else Prices(*given)
    return Limits(options.concurrency, options.per_minute, Budget(options.budget, options.max_calls), prices)


def check_journal(options: argparse.Namespace) -> None:
    """Refuse to ask without a place for the answers, before anything is read or paid."""
    if options.dry_run is not None and options.dry_run < 0:
        raise InputError(
            f"A dry run of {options.dry_run} pairs.", accepted="a whole number from 0", remedy="leave the number out to ask nothing"
        )
    asks = options.dry_run is None or options.dry_run > 0
    if asks and options.journal is None:
        raise InputError(
            "There is no place for the journal.", accepted="--journal DIR", remedy="name a folder; it is made if it does not exist"
        )


def connected(options: argparse.Namespace) -> "ChatClient":
    """A client of whom the options name, said with where its key comes from."""
    from dissection.endpoint.client import connect

    endpoint = endpoint_of(options)
    key, name = key_for(endpoint)
    say(f"{endpoint.model}, {endpoint.place}; {f'key from {name}' if name else 'no key'}")
    return connect(endpoint, key)


def estimated(calls: "Sequence[Call]", options: argparse.Namespace) -> "Estimate":
    """What the calls would take, less what the journal has of them; a look leaves no journal behind."""
    from dissection.endpoint.calls import estimate
    from dissection.endpoint.journals import finished_keys

    finished = finished_keys(options.journal) if options.journal else frozenset()
    return estimate(calls, endpoint_of(options), limits_of(options).prices, finished)


def show_prompts(calls: "Sequence[Call]", whose: str = "") -> None:
    """Print what would be asked, whole."""
    for call in calls:
        print(f"=== {f'{whose}, ' if whose else ''}{call.label} ({call.prompt})")
        for message in call.messages:
            print(f"[{message['role']}]\n{message['content']}\n")


def try_calls(calls: "Sequence[Call]", options: argparse.Namespace) -> int:
    """Make a few calls and print the replies whole; they are in the journal, so the run does not ask again. 1 where one has no answer."""
    from dissection.endpoint.journal import Journal
    from dissection.endpoint.run import run

    with Journal(options.journal) as journal:
        made = run(calls, connected(options), endpoint_of(options), journal, limits_of(options))
    for outcome in made.outcomes:
        print(f"=== reply, {outcome.call.label}")
        print(outcome.answer.text if outcome.answer else f"none: {outcome.error}")
        if outcome.answer and outcome.answer.top_logprobs:
            likeliest = ", ".join(f"{letter.token!r} {letter.logprob:.3f}" for letter in outcome.answer.top_logprobs[0][1:6])
            print(f"[likeliest first tokens: {likeliest}]")
    print(f"Spent: {made.spent.sentence()}")
    return 1 if made.failures else 0


def say_left_out(client: "ChatClient") -> None:
    """What the endpoint did not take."""
    if client.left_out:
        say(f"note: the endpoint does not take {', '.join(sorted(client.left_out))}, so it was asked without")


def say_run(made: "Run", out: Path | None) -> None:
    """What failed, what stopped the run, what was spent, and where the result is; None: nothing was written."""
    for reason, times in made.reasons()[:SHOWN_REASONS]:
        say(f"failed: {count(times, 'call')}: {reason}")
    if made.stopped:
        say(f"The run stopped: {made.stopped}. What was answered is kept; the same command goes on from there.")
    say(f"spent: {made.spent.sentence()}{f' → {out}' if out else ''}")


def show_progress(progress: "Progress") -> None:
    """Progress of the run, where someone looks."""
    if looked_at():
        money = "" if progress.spent.money is None else f", cost so far {progress.spent.money:,.4f}"
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        end = "\n" if progress.done == progress.total else ""
        print(f"\r{progress.done:,} of {progress.total:,} calls{failed}{money}", end=end, file=sys.stderr, flush=True)
