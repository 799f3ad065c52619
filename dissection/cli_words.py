"""Lines of the command line: progress and results go to stderr, so that what is printed can be piped."""

import sys


def say(line: str) -> None:
    """A line of progress or result."""
    print(line, file=sys.stderr, flush=True)


def looked_at() -> bool:
    """Whether someone looks: progress that overwrites itself is for terminals alone."""
    return sys.stderr.isatty()
