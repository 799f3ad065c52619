"""What can go wrong between here and a model's endpoint. Each has its own class, words and remedy; none repeats a key."""

from typing import TYPE_CHECKING, ClassVar, TypeVar

from dissection.errors import InputError

if TYPE_CHECKING:
    from dissection.endpoint.protocol import Answer

Fault = TypeVar("Fault", bound=InputError)


def bare(error: Fault) -> Fault:
    """An error that is kept, without its traceback and what led to it, in whose frames and requests a key would be found."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class EndpointError(InputError):
    """Base of everything that keeps a call from being answered.

    Attributes:
        again: whether the same request may succeed a little later.
        ends_run: whether every other call to this endpoint would fail as well.
        billed: whether the endpoint may charge for the request all the same.
    """

    again: ClassVar[bool] = False
    ends_run: ClassVar[bool] = False
    billed: ClassVar[bool] = False


class AddressRefusedError(EndpointError):
    """An address that is none, or that is not called from here."""

    ends_run = True


class UnreachableError(EndpointError):
    """Nobody answers at the address."""

    again = True
    ends_run = True


class UnauthorisedError(EndpointError):
    """The endpoint does not accept the key, or its account may not do this."""

    ends_run = True


class ModelNotFoundError(EndpointError):
    """The endpoint has no such model, or there is no chat at this address."""

    ends_run = True


class RateLimitedError(EndpointError):
    """Too many requests; `retry_after` is the number of seconds that the endpoint asks to wait, None where it does not say."""

    again = True
    ends_run = True

    def __init__(self, problem: str, retry_after: float | None, *, where: str, remedy: str) -> None:
        self.retry_after = retry_after
        super().__init__(problem, where=where, remedy=remedy)


class ServerFaultError(EndpointError):
    """The endpoint failed (5xx); `retry_after` as for `RateLimitedError`."""

    again = True

    def __init__(self, problem: str, retry_after: float | None, *, where: str, remedy: str) -> None:
        self.retry_after = retry_after
        super().__init__(problem, where=where, remedy=remedy)


class TimedOutError(EndpointError):
    """The endpoint took too long."""

    again = True
    billed = True


class BrokenOffError(EndpointError):
    """The connection broke off in the middle of an answer."""

    again = True
    billed = True


class RejectedError(EndpointError):
    """The endpoint does not take the request as it is (400, 422 and other 4xx); `said` is what it wrote, without the key."""

    def __init__(self, problem: str, said: str, *, where: str, remedy: str) -> None:
        self.said = said
        super().__init__(problem, where=where, remedy=remedy)


class UnsendableError(EndpointError):
    """A message that is no text; it is not sent, and costs nothing."""


class RubbishError(EndpointError):
    """What came is no answer of the chat protocol."""

    billed = True


class PaidError(EndpointError):
    """Base of answers that came, are paid for, and can't be used; `answer` is what came."""

    def __init__(self, problem: str, answer: "Answer", *, where: str = "", accepted: str = "", remedy: str = "") -> None:
        self.answer = answer
        super().__init__(problem, where=where, accepted=accepted, remedy=remedy)


class RefusedError(PaidError):
    """The model, or a filter in front of it, refuses to answer."""


class UnreadableError(PaidError):
    """The answer is not the JSON that was asked for, also after one request to repair it."""


class StoppedError(EndpointError):
    """No request was made, as the run was cancelled or its budget does not cover one more."""


class JournalError(InputError):
    """The journal can't be opened, read or written, or another process writes it."""
