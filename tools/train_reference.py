"""Train the reference victim's head again, from LIVE In the Wild's own folder.

    python tools/train_reference.py ChallengeDB_release [--out FILE]

Deterministic: the same folder gives the same file, byte for byte, on the same machine. The 50
pictures named in held_out.txt are the test set: nothing is fitted on them, they are only reported.

The head is linear on standardised features, through a logistic onto 0-100, and is found in closed
form: ridge regression on the logit of the opinion score, with one more row for each degraded copy
of a training picture, which asks the copy to lie below its original by a margin. The ridge's
strength is chosen by five-fold cross-validation on the training pictures.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from rich.progress import track
from safetensors.torch import save_file

from iqaudit import measures
from iqaudit._assess import calibration
from iqaudit._core import distortions, picture
from iqaudit.victims._models.reference import ReferenceNet, pretrained_trunk

Array = NDArray[np.float64]

HELD_OUT = Path(__file__).with_name("held_out.txt")
HEAD = Path(__file__).parents[1] / "src" / "iqaudit" / "data" / "reference_head.safetensors"

HELD_OUT_COUNT = 50

LEVELS = 3
"""Strengths of each degradation, mild to strong; a picture gets one of them, in turn."""

MARGINS = (0.5, 1.0, 1.5)
"""How far below its original a copy of each strength is asked to lie, in logits."""

DEGRADATIONS: dict[str, Callable[[picture.Pixels, int, int], picture.Pixels]] = {
    **distortions.DEGRADATIONS,
    "JPEG + blur": lambda pixels, level, _: distortions.blur(
        distortions.jpeg(pixels, (40, 20, 10)[level]), (0.7, 1.0, 1.5)[level]
    ),
}

COPY_WEIGHT = 0.1
"""Weight of a degraded copy's row beside an opinion score's: four copies weigh 0.4 opinions."""

RIDGES = (300.0, 1000.0, 3000.0, 10000.0)
FOLDS = 5


def main() -> None:
    """Train, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the release's folder, with Images/ and Data/")
    parser.add_argument("--out", type=Path, default=HEAD, help="the head's file")
    arguments = parser.parse_args()

    names, opinions = read_opinions(arguments.folder)
    held_out = np.isin([Path(name).stem for name in names], HELD_OUT.read_text().split())
    if held_out.sum() != HELD_OUT_COUNT:
        raise SystemExit(f"{held_out.sum()} of the 50 held-out pictures are in the folder")
    train = ~held_out

    net = ReferenceNet().eval()
    net.trunk = pretrained_trunk()
    features = np.stack(
        [
            extract(net, arguments.folder / "Images" / name, number)
            for number, name in enumerate(track(names, "Reading features"))
        ]
    )
    originals, copies = features[:, 0], features[:, 1:]
    margins = np.array(MARGINS)[np.arange(len(names)) % LEVELS]

    def fit(rows: NDArray[np.intp], ridge: float) -> tuple[Array, float]:
        return fit_head(originals[rows], copies[rows], margins[rows], opinions[rows], ridge)

    rows = np.flatnonzero(train)
    errors = {ridge: cross_validate(fit, originals, opinions, rows, ridge) for ridge in RIDGES}
    ridge = min(errors, key=lambda candidate: errors[candidate])
    weight, bias = fit(rows, ridge)
    weight, bias = weight.astype(np.float32).astype(np.float64), float(np.float32(bias))
    scores = logistic(features @ weight + bias)
    center, spread = calibration.fit_to_opinions(scores[rows, 0], opinions[rows] / 10)

    for ridge_tried, error in errors.items():
        print(f"ridge {ridge_tried:g}: cross-validated RMSE {error:.3f}")
    print(f"chosen: {ridge:g}; scale C = {center:.4f}, S = {spread:.4f}")
    for label, chosen in (("train", train), ("held out", held_out)):
        clean, people = scores[chosen, 0], opinions[chosen]
        print(
            f"{label}: {chosen.sum()} pictures, SROCC {measures.srocc(clean, people):.3f}, "
            f"PLCC {measures.plcc(clean, people):.3f}, RMSE {measures.rmse(clean, people):.1f}"
        )
        for column, kind in enumerate(DEGRADATIONS, start=1):
            share = np.mean(scores[chosen, 0] > scores[chosen, column])
            print(f"  original above its {kind} copy: {share:.1%}")

    tensors = {
        "weight": torch.tensor(weight, dtype=torch.float32)[None],
        "bias": torch.tensor([bias], dtype=torch.float32),
        # A tensor and no metadata, whose order in the file would change from run to run.
        "scale": torch.tensor([round(center, 4), round(spread, 4)], dtype=torch.float64),
    }
    save_file(tensors, arguments.out)
    print(f"written: {arguments.out}")


def read_opinions(folder: Path) -> tuple[list[str], Array]:
    """Return the release's picture names and mean opinion scores, 0-100, in its order."""
    images_mat = scipy.io.loadmat(folder / "Data" / "AllImages_release.mat")
    opinions_mat = scipy.io.loadmat(folder / "Data" / "AllMOS_release.mat")
    names = [str(cell[0][0]) for cell in images_mat["AllImages_release"]]
    opinions = opinions_mat["AllMOS_release"].ravel().astype(np.float64)
    # The first seven, t1.bmp to t7.bmp, trained the study's subjects.
    scored = [index for index, name in enumerate(names) if not name.startswith("t")]
    return [names[index] for index in scored], opinions[scored]


def extract(net: ReferenceNet, path: Path, number: int) -> Array:
    """Return the features of a picture and of its degraded copies, one a row."""
    original = picture.read(path).pixels
    level = number % LEVELS
    copies = [make(original, level, number) for make in DEGRADATIONS.values()]
    rows = []
    with torch.inference_mode():
        for pixels in (original, *copies):
            x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
            rows.append(net.features(x)[0].double().numpy())
    return np.stack(rows)


def logit(opinions: Array) -> Array:
    """Return the logit of opinion scores on 0-100, held off the ends by two points."""
    share = np.clip(opinions, 2, 98) / 100
    return np.log(share / (1 - share))


def logistic(logits: Array) -> Array:
    """Return scores in (0, 100)."""
    return 100 / (1 + np.exp(-logits))


def fit_head(
    originals: Array, copies: Array, margins: Array, opinions: Array, ridge: float
) -> tuple[Array, float]:
    """Solve the weighted ridge regression; return the weight (992,) and the bias."""
    mean, std = originals.mean(axis=0), originals.std(axis=0) + 1e-6
    target = logit(opinions)
    x = (originals - mean) / std
    gaps = ((originals[:, None] - copies) / std).reshape(-1, x.shape[1])
    wanted = np.repeat(margins, copies.shape[1])
    gram = x.T @ x + COPY_WEIGHT * gaps.T @ gaps + ridge * np.eye(x.shape[1])
    right = x.T @ (target - target.mean()) + COPY_WEIGHT * gaps.T @ wanted
    weight = np.linalg.solve(gram, right) / std
    return weight, float(target.mean() - mean @ weight)


def cross_validate(
    fit: Callable[[NDArray[np.intp], float], tuple[Array, float]],
    originals: Array,
    opinions: Array,
    rows: NDArray[np.intp],
    ridge: float,
) -> float:
    """Return the RMSE, in opinion points, over held-out folds of the training pictures."""
    errors = []
    for fold in range(FOLDS):
        test = rows[fold::FOLDS]
        weight, bias = fit(np.setdiff1d(rows, test), ridge)
        errors.append(logistic(originals[test] @ weight + bias) - opinions[test])
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


if __name__ == "__main__":
    main()
