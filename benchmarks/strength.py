"""How far each attack pushes a score with the same number of queries.

    python -m benchmarks.strength [--quick] [--show] [--json FILE] [--plot FILE] [ATTACK ...]

Every picture is pushed the way that the bi-directional loss sends it, by three levels of 255. The
full run is long, and its progress says how long. It goes in pieces, kept in a file as they are
finished: the same command goes on where it stopped, `--show` prints what there is so far, and
pieces of an attack whose code or setting has changed are made anew.

An attack whose proposals do not depend on the budget is run once and read at every budget; one
whose do is run once a budget, since that is what whoever has that budget gets.

Victims are ``reference``, ``eonss`` (where ../shared has its weights), or any that iqaudit takes,
options behind commas: ``dbcnn,checkpoint=FILE,dataset=live``. Pictures with opinion scores are a
folder with a ``scores.csv`` of image,mos from 0 to 100.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import driver, figures, pieces, tables
from benchmarks.figures import CEILING, OURS, PAPER
from benchmarks.pieces import BUDGETS, EONSS, Piece, Subject
from iqaudit._assess.calibration import read_opinions
from iqaudit._core.errors import InputError, IqauditError
from iqaudit._core.picture import collect
from iqaudit._search.driver import SearchSpec, check_sizes
from iqaudit.attacks import ATTACKS, named
from iqaudit.datasets import _demo

ROOT = Path(__file__).parents[1]
CLIVE50 = ROOT.parent / "shared" / "data" / "clive50"
EONSS_WEIGHTS = ROOT.parent / "shared" / "weights" / "eonss.pt"
PIECES = ROOT / "benchmarks" / "results" / "strength.pieces.jsonl"
OPINION_RANGE = (0, 100)

SCHEDULED = frozenset({"bidirectional", "bidirectional-liqe", "pgd", "square"})
"""Attacks whose proposals depend on the budget: run once for each."""

VARIANTS = frozenset({"bidirectional-liqe", "guided-invisible"})
"""Other settings of an attack, run only where they are asked for."""

LEADING, RIVAL, TOP = "leading", "rival", "top"
MOST = {LEADING: 10_000, RIVAL: 3_000, TOP: 300}
"""The most queries, by what an attack is here: the paper's and ours; another; white-box steps."""


@dataclass(frozen=True)
class Tier:
    """What is finished before the next tier begins; `main`: pictures with opinion scores."""

    roles: tuple[str, ...]
    main: bool
    seeds: slice


FIRST, OTHERS = slice(0, 1), slice(1, None)
TIERS = (
    Tier((LEADING, TOP), main=True, seeds=FIRST),
    Tier((RIVAL,), main=True, seeds=FIRST),
    Tier((LEADING,), main=True, seeds=OTHERS),
    Tier((LEADING, TOP, RIVAL), main=False, seeds=FIRST),
)
"""So that a run that is stopped early has what counts most, and each tier all budgets."""

QUICK_PICTURES, QUICK_MOST = 4, 1_000


def known(*, quick: bool) -> list[str]:
    """Return the attacks that are run unless others are named."""
    if quick:
        return [attack for attack in (PAPER, OURS, CEILING) if attack in ATTACKS]
    return [attack for attack in ATTACKS if attack not in VARIANTS]


def role(attack: str) -> str:
    """Return what an attack is here."""
    return LEADING if attack in (PAPER, OURS) else TOP if attack == CEILING else RIVAL


def plan(
    victims: Sequence[str],
    attacks: Sequence[str],
    main: Sequence[Subject],
    more: Sequence[Subject],
    seeds: Sequence[int],
    most: int = BUDGETS[-1],
    unfit: Collection[tuple[str, str]] = (),
) -> list[Piece]:
    """Return every piece, in the order in which they are made.

    Within a tier pictures come one after the other, each with every victim and attack, small
    budgets first: a run that is stopped leaves all attacks with the same pictures. `unfit` are the
    victims and attacks that do not go together.
    """
    version = {attack: (repr(named(attack)), pieces.code(named(attack))) for attack in attacks}
    found = []
    for tier in TIERS:
        searches = [
            (queries, checkpoints, attack)
            for attack in attacks
            if role(attack) in tier.roles
            for queries, checkpoints in searches_of(attack, most)
        ]
        found += [
            Piece(victim, attack, *version[attack], queries, checkpoints, subject, seed)
            for seed in seeds[tier.seeds]
            for subject in (main if tier.main else more)
            for victim in victims
            for queries, checkpoints, attack in sorted(searches, key=lambda search: search[0])
            if (victim, attack) not in unfit
        ]
    return list({piece.key: piece for piece in found}.values())


def searches_of(attack: str, most: int) -> list[tuple[int, tuple[int, ...]]]:
    """Return the budgets that an attack is run with, and where each run is measured."""
    budgets = tuple(at for at in BUDGETS if at <= min(most, MOST[role(attack)]))
    if attack in SCHEDULED:
        return [(budget, (budget,)) for budget in budgets]
    return [(budgets[-1], budgets)]


def rated(folder: Path, count: int) -> list[Subject]:
    """Return pictures of a folder, spread evenly over its opinion scores, far ones first."""
    collected = collect(folder)
    opinions = read_opinions(folder / "scores.csv", collected, OPINION_RANGE)
    ranked = sorted(zip(opinions, collected, strict=True), key=lambda pair: pair[0])
    count = min(count, len(ranked))
    if count < 1:
        raise InputError(f"--count is at least 1 picture, not {count}.")
    spread = [ranked[(2 * at + 1) * len(ranked) // (2 * count)] for at in range(count)]
    subjects = [Subject(picture, opinion) for opinion, picture in spread]
    # Every third first, so that a run that is stopped has pictures from the whole range.
    return [subject for start in range(3) for subject in subjects[start::3]]


def available(spec: str) -> bool:
    """Tell whether a victim can be made here; say so where it cannot."""
    if spec == EONSS and not EONSS_WEIGHTS.exists():
        print(f"eonss is left out: its weights are not at {EONSS_WEIGHTS}", flush=True)
        return False
    return True


def fit(spec: str, attack: str) -> bool:
    """Tell whether an attack can be made on a victim; say why where it cannot."""
    meant = named(attack)
    try:
        SearchSpec(pieces.victim(spec), meant)
    except InputError as error:
        print(f"{attack} is left out on {spec}: {error}", flush=True)
        return False
    return True


def chosen_pictures(given: argparse.Namespace) -> tuple[list[Subject], list[Subject]]:
    """Return the main pictures, and more without opinion scores."""
    demos = [Subject(picture) for picture in _demo.pictures()]
    if given.pictures.is_dir():
        main = rated(given.pictures, QUICK_PICTURES if given.quick else given.count)
        return main, demos if given.demo and not given.quick else []
    if not given.demo:
        raise InputError(f"{given.pictures} is not there, and the demo's are not wanted.")
    print(f"{given.pictures} is not there: the demo's pictures alone, no SROCC", flush=True)
    return demos[:QUICK_PICTURES] if given.quick else demos, []


def arguments() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.strength",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help="all unless named")
    parser.add_argument("--victims", nargs="+", default=["reference", EONSS], metavar="VICTIM")
    parser.add_argument("--pictures", type=Path, default=CLIVE50, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=12, help="pictures taken of the folder")
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the demo's pictures besides, after all others",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--pieces", type=Path, default=PIECES, help="where pieces are kept")
    parser.add_argument("--quick", action="store_true", help="a rough answer in minutes")
    parser.add_argument("--show", action="store_true", help="what there is; makes no piece")
    parser.add_argument("--json", type=Path, help="a file for the rows")
    parser.add_argument("--plot", type=Path, help="a picture of the curves")
    parser.add_argument("--against", type=Path, help="an earlier run's rows")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    given = arguments().parse_args(argv)
    try:
        _main(given)
    except (IqauditError, OSError) as error:
        sys.exit(f"error: {error}")


def _main(given: argparse.Namespace) -> None:
    then = json.loads(given.against.read_text()) if given.against else None
    planned = _planned(given)
    code = 0 if given.show else _drive(planned, given)
    results = pieces.kept(planned, pieces.read(given.pieces))
    rows = figures.rows(results)
    print("\n" + "\n".join(tables.lines(results)))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if then is not None:
        print("\n".join(tables.against(rows, then)))
    if given.plot and results:
        from benchmarks import curves

        curves.draw(results, given.plot)
    if code:
        sys.exit(code)


def _planned(given: argparse.Namespace) -> list[Piece]:
    victims = [spec for spec in given.victims if available(spec)]
    names = [pieces.victim(spec).card.name for spec in victims]
    if len(set(names)) < len(names):
        raise InputError(f"Rows go by the victims' names, and these are not apart: {names}.")
    main, more = chosen_pictures(given)
    for spec in victims:
        check_sizes(pieces.victim(spec), [each.picture for each in (*main, *more)])
    seeds, most = (given.seeds[:1], QUICK_MOST) if given.quick else (given.seeds, BUDGETS[-1])
    attacks = given.attacks or known(quick=given.quick)
    unfit = {(spec, each) for each in attacks for spec in victims if not fit(spec, each)}
    return plan(victims, attacks, main, more, seeds, most, unfit)


def _drive(planned: Sequence[Piece], given: argparse.Namespace) -> int:
    """Make what is planned, and return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have it ignored
        signal.signal(number, signal.default_int_handler)
    try:
        failed = driver.drive(planned, given.pieces, given.workers)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", flush=True)
        return 130
    return int(failed > 0)


if __name__ == "__main__":
    main()
