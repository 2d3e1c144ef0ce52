"""Trust in runs: a run is data, so what it names is made again of one's own runs alone.

To make a victim or an attack again can run code: a module is imported, a file of weights is loaded.
So the runs that were made here are remembered outside of them, in the user's state folder: a line a
run and victim, a digest of the run's real path and of the victim's string and options, and likewise
of an attack's class. A run from elsewhere is not there, and neither is one of one's own into which
another name was written.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from iqaudit._core.errors import InputError, printable
from iqaudit._core.scale import DECLARED
from iqaudit._core.settings import FILE
from iqaudit._core.wording import worded
from iqaudit.attacks._registry import PYTHON
from iqaudit.victims._options import OPTIONS
from iqaudit.victims._registry import KINDS
from iqaudit.victims._spec import VictimSpec

PLACES = "places"
"""The file beside the runs' with the folders that their victims' modules were imported from."""

FOREIGN = {
    "python": "whose module would be imported",
    "onnx": "whose file would be loaded",
    "torch": "whose file would be loaded, with the code in it",
    "replay": "whose folder would be read",
    "pyiqa": "whose weights may be downloaded",
}
"""What making a victim of a kind does that a stranger must not have done here."""


def refuse_strange(run: Path, victim: VictimSpec, *, trust: bool = False) -> None:
    """Refuse to make a victim again that a run names and nobody here did.

    Parameters
    ----------
    run : Path
        The run's directory, or the audit's that it is a cell of.
    victim : VictimSpec
        The victim, as it is recorded there.
    trust : bool
        Whether the run is the user's own: it is from then on.

    Raises
    ------
    InputError
        If the victim runs or reads something of the run's choice, and the run was not made here.
    """
    does = _foreign(victim)
    if does is None or victim.base is not None or _digest(run, victim) in _remembered():
        return
    if not trust:
        raise InputError(
            f'{run}: the run names the victim "{printable(victim.spec)}", {does}, and it is not '
            f"known to be your own. If it is, say {worded('trust=True')}, once; else name a victim "
            f"yourself: {worded('victim=SPEC', '--victim SPEC')}."
        )
    remember(run, [victim])


def is_own_attack(run: Path, name: str, *, trust: bool = False) -> bool:
    """Tell whether an attack that a run names is of the user's own, so that it may be imported.

    Parameters
    ----------
    run : Path
        The run's directory, or the audit's that it is a cell of.
    name : str
        The attack's class, ``python:MODULE:NAME``.
    trust : bool
        Whether the run is the user's own: it is from then on.
    """
    if trust:
        remember(run, (), [name])
    return trust or _digest(run, name) in _remembered()


def remember(run: Path, victims: Iterable[VictimSpec], attacks: Iterable[str] = ()) -> None:
    """Remember a run of one's own, where the state folder can be written.

    Parameters
    ----------
    run : Path
        Its directory, or the audit's.
    victims : iterable of VictimSpec
        Those that it names.
    attacks : iterable of str
        The classes of its attacks, as files name them.
    """
    known, victims = _remembered(), list(victims)
    digests = [_digest(run, each) for each in victims if each.base is None and _foreign(each)]
    digests += [_digest(run, each) for each in attacks if each.startswith(PYTHON)]
    lines = "".join(f"{each}\n" for each in dict.fromkeys(digests) if each not in known)
    with suppress(OSError, RuntimeError):  # without a home, nothing is remembered
        if lines:
            file = _file()
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="ascii") as stream:
                stream.write(lines)
            with file.with_name(PLACES).open("a", encoding="utf-8") as stream:
                stream.writelines(_places(run, victims))


def place(run: Path, victim: VictimSpec) -> Path | None:
    """Return the folder that a run's victim was imported from when the run was made here.

    None where that is not known: a run tells the place of nothing, so the user's state does.
    """
    wanted, found = _digest(run, victim), None
    with suppress(OSError, RuntimeError, ValueError):
        for line in _file().with_name(PLACES).read_text("utf-8").splitlines():
            digest, folder = json.loads(line)
            found = folder if digest == wanted else found
    return None if found is None else Path(found)


def _places(run: Path, victims: Iterable[VictimSpec]) -> Iterator[str]:
    """Yield a line a victim whose module was imported: the run's digest, and the folder."""
    for each in victims:
        module = each.spec.split(":")[1] if each.spec.startswith(PYTHON) else ""
        file = getattr(sys.modules.get(module), "__file__", None)
        if each.base is None and file:
            # Of package.module the folder that holds the package; a package is its __init__.
            steps = module.count(".") + (Path(file).name == "__init__.py")
            folder = Path(file).resolve().parents[steps]
            yield json.dumps([_digest(run, each), str(folder)]) + "\n"


def _foreign(victim: VictimSpec) -> str | None:
    """Return what making a victim does that may be a stranger's; None where that is nothing."""
    if any(str(each).startswith(PYTHON) for each in victim.options.get("defences", ())):
        return "behind a defence whose module would be imported"
    if ":" in KINDS[victim.kind].spec:
        return FOREIGN.get(victim.kind, "which would be asked")
    files = [
        key
        for key, value in victim.options.items()
        if OPTIONS[key].type is FILE and value != DECLARED
    ]
    return f"whose {files[0]} would be loaded" if files else None


def _digest(run: Path, named: VictimSpec | str) -> str:
    """Return the digest of a run and a victim, or the name of an attack's class."""
    if isinstance(named, str):
        parts = ["attack", named]
    else:
        read = VictimSpec(named.spec, named.options).options  # 1 and 1.0 are the same there
        parts = [named.spec, json.dumps(dict(read), sort_keys=True, default=str)]
    content = "\0".join((os.path.realpath(run), *parts))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _remembered() -> frozenset[str]:
    try:
        return frozenset(_file().read_text("ascii").splitlines())
    except (OSError, RuntimeError, ValueError):
        return frozenset()


def _file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "iqaudit" / "runs"
