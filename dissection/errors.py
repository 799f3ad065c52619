"""What can be wrong with a visitor's input, said so that they can mend it.

Every error names the problem, the place (file, row, id, column), what is accepted and what to do. The app shows the same words as the
command line.
"""


class InputError(ValueError):
    """Base of every mistake in what a user gave: a file, a label, a name, an option.

    Args:
        problem: one sentence that says what is wrong.
        where: the place: a file, a row, a pair id, a column.
        accepted: what would have been accepted.
        remedy: what to do next.
    """

    def __init__(self, problem: str, *, where: str = "", accepted: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.where = where
        self.accepted = accepted
        self.remedy = remedy
        parts = [problem]
        if where:
            parts.append(f"Where: {where}.")
        if accepted:
            parts.append(f"Accepted: {accepted}.")
        if remedy:
            parts.append(f"What to do: {remedy}.")
        super().__init__(" ".join(parts))


class FileError(InputError):
    """A file that can't be read at all: missing, empty, binary, broken encoding, too large, of no known form."""


class UnknownFormError(FileError):
    """A table whose form no reader knows; a column mapping can still read it."""


class DatasetError(InputError):
    """Rows that are readable but can't make a dataset: duplicate ids, impossible values, nothing to analyse."""


class LabelError(InputError):
    """A judge's labels that can't be joined to the dataset as they are."""


class AmbiguousLabelError(LabelError):
    """Labels with two readings (0/1, 1/2); the user has to say which one is meant."""


class TakenNameError(LabelError):
    """A judge's name that another judge of the dataset has; `name` is that name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is already a judge named {name!r}.", accepted="a name that is not yet taken", remedy="give the new judge another name"
        )


class UnknownNameError(InputError):
    """A judge, group, property or option that does not exist here."""
