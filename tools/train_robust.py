"""Train the victim `robust` again, from LIVE In the Wild's own folder.

    python tools/train_robust.py ChallengeDB_release [--out FILE] [--work FOLDER]

Deterministic: the same folder gives the same file, byte for byte, on the same machine, and what was
stopped is gone on with. It takes about an hour and a half on two cores. The 50 pictures named in
held_out.txt are the test set: nothing is fitted on them or chosen by them.

It begins with the network of `reference` at half the size, with a head of its own (ridge regression
on the logit of the opinion score), and steadies it as `iqaudit harden --method train` does: on
small parts, while steadiness comes to weigh more; on larger ones, whose borders are more like whole
pictures'; and against seven gradient steps in place of three. A tenth of the training pictures
stops each phase by its SROCC, and gives the scale.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from iqaudit import Scale, measures
from iqaudit._assess import calibration
from iqaudit._core import picture
from iqaudit._core.threads import one_thread
from iqaudit._harden.records import EpochRecord
from iqaudit._harden.training import Rated, Training, train
from iqaudit._harden.weights import content
from iqaudit._incremental.dense_pass import DensePass
from iqaudit.victims._models.reference import RobustNet, halved, pretrained_trunk
from train_reference import HELD_OUT, HELD_OUT_COUNT, Array, logistic, logit, read_opinions

WEIGHTS = Path(__file__).parents[1] / "src" / "iqaudit" / "data" / "robust.safetensors"

RIDGE = 3000.0

SPLIT_SEED, STOPPED_BY = 5, 112
"""The training pictures that stop the training are the first of a permutation."""

PHASES = (
    Training(epochs=18, steadiness=(0.02, 0.6), rate=1.5e-4, side=320, ranking=0),
    Training(epochs=3, steadiness=(0.08, 0.1), rate=6e-5, side=448, loss=0.03),
    Training(
        epochs=12,
        steadiness=(0.1, 1.0),
        rate=1e-4,
        side=256,
        ranking=0.1,
        steps=(0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25),
        loss=0.06,
    ),
)


def main() -> None:
    """Train, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the release's folder, with Images/ and Data/")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the weights' file")
    parser.add_argument("--work", type=Path, default=Path("robust"), help="what goes on later")
    arguments = parser.parse_args()

    names, opinions = read_opinions(arguments.folder)
    test = np.isin([Path(name).stem for name in names], HELD_OUT.read_text().split())
    if test.sum() != HELD_OUT_COUNT:
        raise SystemExit(f"{test.sum()} of the 50 held-out pictures are in the folder")
    pictures = [
        picture.read(arguments.folder / "Images" / name).pixels
        for name in track(names, "Reading pictures")
    ]
    order = np.random.default_rng(SPLIT_SEED).permutation(np.flatnonzero(~test))
    stopped_by, fitted = order[:STOPPED_BY], order[STOPPED_BY:]

    def rated(rows: np.ndarray) -> Rated:
        return Rated([pictures[row] for row in rows], opinions[rows] / 10)

    with one_thread():
        net, scale = beginning([pictures[row] for row in fitted], opinions[fitted])
    for number, how in enumerate(PHASES):
        folder = arguments.work / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        weights, _ = train(net, scale, rated(fitted), rated(stopped_by), how, folder, told)
        net.load_state_dict(weights)
        if number:  # as they are bundled
            halves = {name: each.half() for name, each in net.state_dict().items()}
            net.load_state_dict({name: each.float() for name, each in halves.items()})
            scores = scored(net, [pictures[row] for row in stopped_by])
            center, spread = calibration.fit_to_opinions(scores, opinions[stopped_by] / 10)
            scale = Scale(round(center, 4), round(spread, 4), low=0, high=100)

    print(f"scale C = {scale.center}, S = {scale.spread}")
    scores = scored(net, pictures)
    for label, rows in (("trained with", fitted), ("stopped by", stopped_by), ("held out", test)):
        clean, people = scores[rows], opinions[rows]
        print(
            f"{label}: {len(clean)} pictures, SROCC {measures.srocc(clean, people):.3f}, "
            f"PLCC {measures.plcc(clean, people):.3f}, RMSE {measures.rmse(clean, people):.1f}"
        )
    halves["scale"] = torch.tensor([scale.center, scale.spread], dtype=torch.float64)
    arguments.out.write_bytes(content(halves))
    print(f"written: {arguments.out}")


def scored(net: RobustNet, pictures: list[picture.Pixels]) -> Array:
    """Return a network's scores."""
    dense = DensePass(net.eval())
    with one_thread():
        return np.array([dense.score(each) for each in track(pictures, "Scoring")])


def beginning(pictures: list[picture.Pixels], opinions: Array) -> tuple[RobustNet, Scale]:
    """Return the network before it is hardened, and its scale."""
    net = RobustNet().eval()
    net.trunk = pretrained_trunk()
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    dense = DensePass(net)
    with torch.inference_mode():
        features = np.stack(
            [
                net.features(halved(dense.tensor(each[None])))[0].double().numpy()
                for each in track(pictures, "Reading features")
            ]
        )
    mean, std = features.mean(axis=0), features.std(axis=0) + 1e-6
    x, target = (features - mean) / std, logit(opinions)
    gram = x.T @ x + RIDGE * np.eye(x.shape[1])
    weight = np.linalg.solve(gram, x.T @ (target - target.mean())) / std
    bias = float(target.mean() - mean @ weight)
    net.head.weight.data = torch.tensor(weight[None], dtype=torch.float32)
    net.head.bias.data = torch.tensor([bias], dtype=torch.float32)
    center, spread = calibration.fit_to_opinions(logistic(features @ weight + bias), opinions / 10)
    return net, Scale(center, spread, low=0, high=100)


def told(number: int, epoch: EpochRecord) -> None:
    """Print an epoch."""
    print(
        f"epoch {number}: error {epoch.error:.2f}, movement {epoch.movement:.2f}, "
        f"SROCC of the {STOPPED_BY} {epoch.srocc:.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
