"""The command `annotate`: what queries hold, how answers differ on properties and which errors they have, asked of a model."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dissection import cli_endpoint
from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_words import say
from dissection.dataset import PairDataset
from dissection.errors import InputError

if TYPE_CHECKING:
    from dissection.annotating.annotation import Annotated
    from dissection.annotating.plan import AnnotationPlan, Scenario
    from dissection.endpoint.calls import Call
    from dissection.properties import Property

EXAMPLE = (
    "Example:  python -m dissection annotate pairs.jsonl --endpoint https://host/v1 --model M --journal run --out annotated.jsonl --dry-run"
)
SHOWN_FAILURES = 20


def add_command(commands: Commands) -> None:
    """Declare `annotate`."""
    parser = commands.add_parser(
        "annotate",
        help="properties of answers, asked of a model at its endpoint",
        description="Ask a model what every query holds, how its two answers differ on the paper's properties and on your own, and which errors "
        "they have; write DATA with these annotations. Each answer is kept in a journal, so that none is paid for twice. What has no usable reply "
        "is missing and counted. The exit status is 1 where some call has none.",
        epilog=EXAMPLE,
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `annotate` beside the data."""
    cli_endpoint.add_whom(parser)
    what = parser.add_argument_group("what to ask")
    what.add_argument(
        "--stages",
        metavar="LIST",
        help="of check, basic, errors, specific, parted by commas, or none; default all four",
    )
    what.add_argument(
        "--own",
        action="append",
        default=[],
        metavar="NAME=SENTENCE",
        help="a property of your own, what holds of an answer that has it; or the NAME of one of the starting set; repeatable",
    )
    what.add_argument(
        "--scenarios",
        metavar="FILE|paper",
        help="sort each query into one of these, so have an “Other”: lines NAME: sentence, or JSON; paper for its eleven",
    )
    what.add_argument("--reference", action="store_true", help="have the model answer first, to compare with when it looks for errors")
    what.add_argument("--swapped", action="store_true", help="show answer B first")
    what.add_argument("--share", type=float, default=1.0, metavar="X", help="annotate this share of the pairs alone, drawn by the seed")
    what.add_argument("--again", type=float, default=0.0, metavar="SHARE", help="annotate this share of them once more, in the other order")
    what.add_argument("--seed", type=int, default=0, metavar="S", help="of these draws; default 0")
    what.add_argument("--replace", action="store_true", help="put new annotations in the place of those that DATA has")
    what.add_argument("--max-tokens", type=int, metavar="N", help="of each reply; more for models that think first")
    cli_endpoint.add_limits(parser)
    parser.add_argument("--again-out", type=Path, metavar="FILE", help="the second annotations, in any native form, for `trust`")
    parser.add_argument("--out", type=Path, metavar="FILE", help="FILE in any native form: the annotated pairs")


def run(options: argparse.Namespace) -> int:
    """Annotate and write; 1 where some call has no usable reply, else 0."""
    cli_endpoint.endpoint_of(options)
    cli_endpoint.limits_of(options)
    plan = _plan(options)
    _check_files(options)
    dataset = open_data(options)
    plan.check(dataset)  # before anything is paid
    if options.dry_run is not None:
        return _dry_run(options, dataset, plan)
    return _annotate(options, dataset, plan)


def _plan(options: argparse.Namespace) -> "AnnotationPlan":
    from dissection.annotating.plan import STAGES, AnnotationPlan

    own, scenarios = tuple(_own(text) for text in options.own), _scenarios(options.scenarios)
    given = STAGES if options.stages is None else tuple(part.strip() for part in options.stages.split(",") if part.strip())
    stages = () if given == ("none",) else given
    return AnnotationPlan(
        stages,
        own,
        scenarios,
        reference=options.reference,
        swapped=options.swapped,
        share=options.share,
        again=options.again,
        seed=options.seed,
        replace=options.replace,
        max_tokens=options.max_tokens,
    )


def _own(text: str) -> "Property":
    from dissection.annotating.plan import own_property
    from dissection.properties import offered_properties

    name, equals, sentence = text.partition("=")
    offered = {property_.name: property_ for property_ in offered_properties()}
    if not equals and name.strip() in offered:
        return offered[name.strip()]
    if not equals or not name.strip() or not sentence.strip():
        raise InputError(
            "A property has no name or no sentence.", where=f"--own {text}", accepted=f"NAME=SENTENCE, or one of {', '.join(offered)}"
        )
    return own_property(name, sentence)


def _scenarios(given: str | None) -> "tuple[Scenario, ...]":
    from dissection.annotating.plan import paper_scenarios, read_scenarios

    if given is None:
        return ()
    return paper_scenarios() if given == "paper" else read_scenarios(Path(given))


def _check_files(options: argparse.Namespace) -> None:
    from dissection.export import check_output
    from dissection.native_file import FORMS

    cli_endpoint.check_journal(options)
    if options.dry_run is not None:
        return
    if options.out is None:
        raise InputError("There is no place for the result.", accepted="--out FILE", remedy="name a file, or add --dry-run")
    check_output(options.out, FORMS)
    if bool(options.again) != (options.again_out is not None):
        raise InputError(
            "A second annotation needs both its share and its file.", accepted="--again SHARE --again-out FILE", remedy="give both"
        )
    if options.again_out is not None:
        check_output(options.again_out, FORMS)
        if options.again_out == options.out:
            raise InputError("Both annotations would be written into one file.", where=str(options.out), remedy="name another file")


def _every_call(options: argparse.Namespace, dataset: PairDataset, plan: "AnnotationPlan") -> "list[Call]":
    """At most what is asked, by what the journal knows already; a look leaves no journal behind."""
    from dissection.annotating.waves import expected_calls
    from dissection.endpoint.journal import NAME, Journal

    if options.journal is None or not (options.journal / NAME).exists():
        return expected_calls(dataset, plan)
    with Journal(options.journal) as journal:
        return expected_calls(dataset, plan, cli_endpoint.endpoint_of(options), journal)


def _estimate(options: argparse.Namespace, dataset: PairDataset, plan: "AnnotationPlan") -> str:
    from dissection.annotating.annotation import UPPER

    found = cli_endpoint.estimated(_every_call(options, dataset, plan), options)
    dependent = found.calls and ("specific" in plan.stages or plan.reference)
    return f"{found.sentence()}{f' {UPPER}' if dependent else ''}"


def _dry_run(options: argparse.Namespace, dataset: PairDataset, plan: "AnnotationPlan") -> int:
    from dissection.annotating.waves import sample_calls

    shown = sample_calls(dataset, plan, cli_endpoint.SHOWN_PAIRS)
    cli_endpoint.show_prompts(shown)
    if "specific" in plan.stages or plan.reference:
        print("Further questions follow from these replies; their prompts are in data/prompts/annotate.\n")
    print(f"Estimate: {_estimate(options, dataset, plan)}")
    return _try(options, dataset, plan, shown) if options.dry_run else 0


def _try(options: argparse.Namespace, dataset: PairDataset, plan: "AnnotationPlan", shown: "list[Call]") -> int:
    """Annotate a few pairs through all stages and print the replies whole; they are in the journal, so the run does not ask again."""
    from dissection.annotating.annotation import annotate
    from dissection.annotating.joining import first_pairs
    from dissection.endpoint.journal import Journal

    with Journal(options.journal) as journal:
        made = annotate(
            *first_pairs(dataset, plan, options.dry_run),
            cli_endpoint.connected(options),
            cli_endpoint.endpoint_of(options),
            journal,
            cli_endpoint.limits_of(options),
        ).run
    known = {call.key(cli_endpoint.endpoint_of(options)) for call in shown}
    for outcome in made.outcomes:
        if outcome.call.key(cli_endpoint.endpoint_of(options)) not in known:
            cli_endpoint.show_prompts([outcome.call])
        print(f"=== reply, {outcome.call.label}")
        print(outcome.answer.text if outcome.answer else f"none: {outcome.error}")
    print(f"Spent: {made.spent.sentence()}")
    return 1 if made.failures else 0


def _annotate(options: argparse.Namespace, dataset: PairDataset, plan: "AnnotationPlan") -> int:
    from dissection.annotating.annotation import annotate
    from dissection.endpoint.journal import Journal
    from dissection.native_file import write_native

    client = cli_endpoint.connected(options)
    say(_estimate(options, dataset, plan))
    with Journal(options.journal) as journal:
        try:
            found = annotate(
                dataset,
                plan,
                client,
                cli_endpoint.endpoint_of(options),
                journal,
                cli_endpoint.limits_of(options),
                progress=cli_endpoint.show_progress,
            )
        except KeyboardInterrupt:
            say(f"Interrupted. What was answered is kept in {options.journal}; the same command goes on from there.")
            raise
    cli_endpoint.say_left_out(client)
    write_native(found.dataset, options.out)
    if found.again is not None:
        write_native(found.again, options.again_out)
    return _report(options, found)


def _report(options: argparse.Namespace, found: "Annotated") -> int:
    for line in found.sentences():
        say(line)
    failures = [failure for stage in found.stages for failure in stage.failures]
    for label, reason in failures[:SHOWN_FAILURES]:
        say(f"missing: {label}: {reason}")
    if len(failures) > SHOWN_FAILURES:
        say(f"missing: {len(failures) - SHOWN_FAILURES:,} more")
    if found.again is not None:
        say(f"{len(found.again):,} pairs annotated again → {options.again_out}")
    cli_endpoint.say_run(found.run, options.out)
    return 1 if found.run.failures else 0
