"""What can go wrong with what visitors publish."""

from dissection.errors import InputError


class CommunityError(InputError):
    """Base of everything that keeps an entry from being published, read or removed."""


class CardError(CommunityError):
    """A card that is none: broken, foreign, or with something that no card may hold."""


class StoreError(CommunityError):
    """The folder can't be written or read, is full, or is not one."""


class AlreadyThereError(CommunityError):
    """The same content has been published before; `entry` is its id."""

    def __init__(self, entry: str, *, remedy: str) -> None:
        self.entry = entry
        super().__init__("The same content is already in the community.", where=f"entry {entry[:8]}", remedy=remedy)


class KeyRefusedError(CommunityError):
    """A removal key that is not this entry's."""
