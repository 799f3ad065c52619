"""Held-out scores from a bounded cache."""

from dissection.dashboard import behind, session
from dissection.dashboard.kept import shared
from dissection.dataset import Group, PairDataset
from dissection.regression.fit import Progress
from dissection.regression.model import Model
from dissection.regression.posterior import Posterior
from dissection.regression.scores import Score, score, scored_model


@shared()
def _score_group(dataset: PairDataset, group: Group, model: Model) -> tuple[Score, ...]:
    return tuple(score(dataset, model, groups=[group.name]))


def model() -> Model:
    """The model that the page is about: the one in view as far as it can be scored, see `scored_model`."""
    return scored_model(session.model())


def posterior(dataset: PairDataset, group: Group, judge: str) -> Posterior:
    """The fit of all pairs of a judge in a group under `model`, by the fast engine, which the scores are of too."""
    return next(cell for cell in session.fit_fast(dataset, group, model()) if cell.judge == judge)


def ready(dataset: PairDataset, groups: tuple[Group, ...]) -> bool:
    """Whether the groups are scored; where they are not yet, how far that is, is shown."""
    chosen = model()

    def work(progress: Progress) -> bool:
        for number, group in enumerate(groups):
            progress(number, len(groups))
            _score_group(dataset, group, chosen)
        return True

    return bool(behind.result("scores", (dataset.content_hash, chosen, groups), "Predicting pairs that the fit has not seen", work))


def scores(dataset: PairDataset, groups: tuple[Group, ...], judges: tuple[str, ...]) -> list[Score]:
    """The scores of the judges in the groups under `model`, groups outermost, judges in the order given."""
    place = {name: number for number, name in enumerate(judges)}
    chosen = model()
    found = []
    for group in groups:
        cells = [cell for cell in _score_group(dataset, group, chosen) if cell.judge in place]
        found += sorted(cells, key=lambda cell: place[cell.judge])
    return found
