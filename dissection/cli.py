"""The command line: one module each. Results go to files, progress to stderr; bad input ends with status 2."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from dissection import (
    cli_annotate,
    cli_answer,
    cli_files,
    cli_fit,
    cli_groups,
    cli_judge,
    cli_mapping,
    cli_report,
    cli_scores,
    cli_similarity,
    cli_sway,
    cli_trust,
)
from dissection.errors import InputError

EXIT_BAD_INPUT = 2
COMMANDS = (
    cli_fit.add_command,
    cli_scores.add_command,
    cli_similarity.add_command,
    cli_groups.add_command,
    cli_report.add_command,
    cli_annotate.add_command,
    cli_judge.add_command,
    cli_answer.add_command,
    cli_trust.add_command,
    cli_sway.add_command,
    cli_mapping.add_command,
    cli_files.add_commands,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 if some cell did not converge, 2 for bad input."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except BrokenPipeError:  # whoever read the output, as `head` does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""  # a write to a full disk names none
        print(f"error: {error.strerror or error}{where}", file=sys.stderr)
        return EXIT_BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dissection",
        description="What a judge's preferences are made of: Bayesian logistic regression of verdicts on properties of answers.",
        epilog="Start with:  python -m dissection demo --out demo.jsonl  and  python -m dissection fit demo.jsonl --out effects.csv",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return parser
