"""Small words for counts."""


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 pair", "2,600 pairs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
