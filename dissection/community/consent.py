"""What a publisher agrees to. Another wording is another `CONSENT_VERSION`, which cards keep."""

from dissection.community.card import CONSENT_VERSION, Kind

_HOLDS = {
    "dataset": "all pairs with their texts, ids, scenarios, conditions, names of models and further columns, all verdicts and names of judges, "
    "and all property scores",
    "labels": "the judge's name, all its verdicts with the ids of their pairs, and the name and a hash of the data they belong to",
}


def consent(kind: Kind, place: str) -> str:
    """The words beside the consent box.

    Args:
        kind: of what is published.
        place: where it is kept, as in "in the community of this server".
    """
    return (
        f"I agree that this becomes public {place}: {_HOLDS[kind]}, as listed above, and what I wrote about it. Anyone who can open this page may "
        "read, download and share it under the licence I chose. I have the right to publish it, and it holds nothing private of anyone. I can "
        f"remove it later by its key, but not the copies that others have made by then. (Version {CONSENT_VERSION})"
    )
