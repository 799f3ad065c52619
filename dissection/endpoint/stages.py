"""Several runs of one study, one after the other: one journal, one budget, one progress, one account."""

from collections.abc import Callable, Sequence

from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import Limits
from dissection.endpoint.meter import Meter
from dissection.endpoint.protocol import Client
from dissection.endpoint.run import Outcome, Progress, Run, count_finished, run


class Stages:
    """Runs whose calls depend on what the runs before were answered.

    Args:
        journal: open, for all of them.
        limits: for all of them together, with what the journal has of their calls.
        progress: called after each call, with what all stages took so far.
        cancelled: whether to stop.
    """

    def __init__(
        self,
        journal: Journal,
        limits: Limits,
        progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._journal, self._limits, self._progress = journal, limits, progress
        self._meter = Meter(limits, cancelled)
        self._last = Progress(0, 0, 0, 0, self._meter.spent)
        self._outcomes: list[Outcome] = []

    @property
    def stopped(self) -> str:
        """Why no further call is made; empty as long as there may be."""
        return self._meter.reason

    def count_finished(self, calls: Sequence[Call], endpoint: Endpoint) -> None:
        """Count what the journal has of a later stage's calls, so that the stages before leave room for it."""
        count_finished(calls, endpoint, self._journal, self._meter)

    def run(self, calls: Sequence[Call], client: Client, endpoint: Endpoint, later: int = 0) -> Run:
        """The next stage, within what is left of the limits.

        Args:
            calls: of this stage.
            client: to ask with.
            endpoint: whom it asks.
            later: calls that the stages after this one are expected to make, for the progress.

        Raises:
            JournalError: an answer can't be kept.
        """
        before = self._last

        def tell(now: Progress) -> None:
            self._last = Progress(
                before.done + now.done,
                before.done + now.total + later,
                before.failed + now.failed,
                before.from_journal + now.from_journal,
                now.spent,
            )
            if self._progress is not None:
                self._progress(self._last)

        made = run(calls, client, endpoint, self._journal, self._limits, progress=tell, meter=self._meter)
        if made.from_journal and self._last is before:  # the journal had all of it, and no call was there to tell of
            tell(Progress(made.from_journal, made.from_journal, len(made.failures), made.from_journal, made.spent))
        self._outcomes += made.outcomes
        return made

    @property
    def made(self) -> Run:
        """All stages so far as one run."""
        return Run(tuple(self._outcomes), self._meter.spent, self._last.from_journal, self.stopped)
