"""The score scale of a victim, fitted on the pictures of its hardening."""

from collections.abc import Sequence
from pathlib import Path

from iqaudit._analysis.analyse import Watch
from iqaudit._analysis.scorers import Scorer
from iqaudit._assess import calibration
from iqaudit._core.threads import one_thread
from iqaudit._harden.sets import Part
from iqaudit.measures._arrays import Floats
from iqaudit.victims._base import Victim
from iqaudit.victims._scale_file import save_scale
from iqaudit.victims._scoring import score


def save(file: Path, victim: Victim, natives: Sequence[float] | Floats, part: Part) -> None:
    """Write the scale of a victim's scores of the pictures, as `iqaudit calibrate` fits it."""
    lower = victim.card.scale.lower_is_better
    scale = calibration.fit(natives, lower_is_better=lower, opinions=part.opinions)
    save_scale(file, scale, victim, part.pictures)


def ask(file: Path, victim: Victim, part: Part, watch: Watch) -> None:
    """Write the scale of a victim, which is asked about the pictures."""
    share, natives = (Scorer(victim.card.name, victim), len(part.pictures)), list[float]()
    with one_thread(), watch([share], "") as count:
        for each in part.pictures:
            natives.append(score(victim, each.pixels))
            if count is not None:
                count(len(natives))
        save(file, victim, natives, part)
