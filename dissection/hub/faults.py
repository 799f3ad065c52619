"""What can go wrong between here and the Hub. Each has its own class, words and remedy; none repeats a token or a server's text."""

from dissection.errors import InputError

SETTINGS_PAGE = "https://huggingface.co/settings/tokens"


class HubError(InputError):
    """Base of everything that keeps a dataset of the Hub from being opened."""


class AddressError(HubError):
    """What was given is no address of a dataset."""


class TokenError(HubError):
    """A token that can't be one."""


class OfflineError(HubError):
    """The Hub can't be reached from here."""


class MissingError(HubError):
    """There is no such repository, revision, configuration, split or file; or it is private."""


class ChoiceError(HubError):
    """Several configurations or splits, and none was named."""


class GatedError(HubError):
    """The terms of a gated dataset have not been accepted by the owner of the token."""


class AccessError(HubError):
    """The token is not valid, or does not allow reading this dataset."""


class RateLimitError(HubError):
    """Too many requests; `retry_after` is the number of seconds the Hub asks to wait, None where it does not say."""

    def __init__(self, problem: str, retry_after: int | None, *, where: str, remedy: str) -> None:
        self.retry_after = retry_after
        super().__init__(problem, where=where, remedy=remedy)


class BrokenOffError(HubError):
    """A download broke off."""


class DiskError(HubError):
    """The downloaded file can't be kept here."""


class ServerError(HubError):
    """The Hub failed, or answered with something else than it should."""


class TooLargeError(HubError):
    """More than is downloaded here."""
