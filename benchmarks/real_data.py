"""Held-out scores on real data beside scikit-learn's logistic regression on the same folds: `python -m benchmarks.real_data [FOLDER]`.

The data are read from `../shared/data` or from FOLDER and are not part of the project. Both models get the same rows, weights and folds:
the comparisons, and the order of showing as one more column where the model has a position bias (scikit-learn's L2 penalty on it at C = 1
is the same Normal(0, 1)). scikit-learn takes hard labels only, so a soft verdict is two rows with its shares as weights.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from dissection.dataset import FloatArray, PairDataset
from dissection.readers import open_dataset
from dissection.regression.metrics import Metric, measure
from dissection.regression.model import PAPER, STANDARD, Model
from dissection.regression.scores import PREDICTORS, Score, score

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
CASES = {"haluquestqa.jsonl": ["human_expert"], "llmbar.jsonl": ["gold_human", "ChatGPT/CoT", "ChatGPT-0301/CoT", "GPT-4/Vanilla"]}
GROUP = "All pairs"


def scikit_learn(dataset: PairDataset, cell: Score, model: Model) -> Metric:
    """The measures of `LogisticRegression(C=1)` on the rows and folds of a score."""
    frame = cell.predictions
    design = dataset.comparisons[frame["pair"]]
    if model.intercept_sd is not None:
        design = np.column_stack([design, 1 - 2 * frame["order"]])
    fold, y, weight = (frame[name].to_numpy() for name in ("fold", "y", "weight"))
    found: FloatArray = np.empty(len(frame))
    for number in np.unique(fold):
        kept = fold != number
        rows, label = np.concatenate([design[kept]] * 2), np.repeat([1, 0], kept.sum())
        share = np.concatenate([weight[kept] * y[kept], weight[kept] * (1 - y[kept])])
        fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=1000).fit(rows[share > 0], label[share > 0], share[share > 0])
        found[~kept] = fitted.predict_proba(design[~kept])[:, 1]
    return measure(found, y, weight, frame["cluster"].to_numpy())


def without_ties(cell: Score) -> Metric | None:
    """The explanation on the pairs that the judge judged alike in both orders; None where there are none."""
    frame = cell.predictions
    sides = frame.assign(side=np.sign(frame["y"] - 0.5)).groupby("pair")["side"].agg(["sum", "size"])
    alike = frame["pair"].isin(sides.index[(sides["size"] == 2) & (sides["sum"].abs() == 2)])
    if not alike.any():
        return None
    # One prediction a pair: what is asked is which answer wins, in whatever order.
    pairs = frame[alike].groupby("pair")[["explanation", "y", "cluster"]].mean()
    return measure(pairs["explanation"].to_numpy(), pairs["y"].to_numpy(), np.ones(len(pairs)), pairs["cluster"].to_numpy().astype(np.intp))


def _row(file: str, cell: Score, model: Model, name: str, found: Metric) -> str:
    def shown(metric: str, factor: float = 1.0) -> str:
        value, error = getattr(found, metric), getattr(found, f"{metric}_se")
        if value is None:
            return "–"
        return f"{factor * value:.3f}" + (f" ± {factor * error:.3f}" if error is not None else "")

    return f"| {file} | {cell.judge} | {model.name} | {name} | {found.n} | {shown('accuracy')} | {shown('log_loss')} | {shown('brier')} |"


def main() -> None:
    """Print one Markdown table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if not folder.is_dir():
        sys.exit(f"There is no folder {folder}. Give the folder with {', '.join(CASES)}.")
    print("| data | judge | model | predictor | n | accuracy ± se | log loss ± se, nats | Brier ± se |\n|---|---|---|---|---|---|---|---|")
    gains = []
    for file, judges in CASES.items():
        dataset = open_dataset(folder / file)
        for model in (STANDARD, PAPER):
            for cell in score(dataset, model, judges, [GROUP]):
                for name in PREDICTORS:
                    if cell.metrics[name].accuracy is not None:
                        print(_row(file, cell, model, name, cell.metrics[name]))
                print(_row(file, cell, model, "scikit-learn, C = 1", scikit_learn(dataset, cell, model)))
                if alike := without_ties(cell):
                    print(_row(file, cell, model, "explanation, pairs judged alike in both orders", alike))
                gains.append(
                    f"{file}, {cell.judge}, {model.name}: log loss below length alone by {cell.difference:.4f} ± {cell.difference_se:.4f}, "
                    f"beats it: {cell.beats_length}"
                )
    print("", *gains, sep="\n- ")


if __name__ == "__main__":
    main()
