"""Victims from one string and its options: the same in every command, in TOML and from Python.

One way leads to a victim: its spec; the victim that is made from it and asked nothing (`unasked`);
the same as it is to be asked, with its answers averaged where an option says so (`averaged`).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from iqaudit._core.errors import InputError, unknown
from iqaudit._core.scale import DECLARED, RANGE, Scale
from iqaudit._core.settings import two_numbers
from iqaudit._core.wording import worded
from iqaudit.defences._base import changes_pictures
from iqaudit.defences._registry import chain, written
from iqaudit.victims._averaging import Repeated
from iqaudit.victims._base import Victim, draws
from iqaudit.victims._defended import Defended
from iqaudit.victims._objects import apart, name_victim, rescaled, wrap
from iqaudit.victims._options import ALIASES, OPTIONS, in_strings
from iqaudit.victims._registry import KINDS, unknown_victim
from iqaudit.victims._scale_file import load_scale, refuse_another

if TYPE_CHECKING:
    from torch import nn

SERVICES = frozenset({"http", "https", "chat", "command"})
"""Kinds whose strings may hold a secret: no file repeats them."""

FREE = SERVICES | {"onnx", "replay", "torch"}
"""Kinds whose strings may hold a comma."""


OBJECT = "object"
"""The kind of a victim that exists in one process alone."""


@dataclass(frozen=True)
class VictimSpec:
    """A victim named by a string, with its options.

    Parameters
    ----------
    spec : str
        As `iqaudit.victims.KINDS` describes them.
    options : mapping
        The keywords of `iqaudit.victims.as_victim`, with a scale's file in place of a scale.
    base : Victim, optional
        The victim itself, unaveraged, of one that exists in this process alone; see `of`.

    Raises
    ------
    InputError
        If there is no such victim, or an option is unknown or no such value.
    """

    spec: str = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    base: Victim | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS and self.base is None:
            raise unknown_victim(self.kind)
        options = {}
        for name, value in _present(self.options).items():
            key = _key(name)
            if key not in OPTIONS:
                word = re.match(r"[\w-]*", name)  # what follows it may be a secret
                raise unknown("option of a victim", word[0] if word else "", [*OPTIONS, *ALIASES])
            subject = f'The option "{in_strings(key)}" of the victim "{self.kind}" is'
            options[key] = OPTIONS[key].read(value, subject, texts=True)
        object.__setattr__(self, "options", options)

    @classmethod
    def parse(cls, text: str, options: Mapping[str, Any] | None = None) -> "VictimSpec":
        """Read ``SPEC[,OPTION[=VALUE]]...``, as ``dbcnn,checkpoint=dbcnn.pt,dataset=live``.

        A comma belongs to the string of a kind that may hold one (a file, an address, a program),
        unless an option follows it.

        Parameters
        ----------
        text : str
            The string.
        options : mapping, optional
            The options that stand beside it, as those of a command.

        Raises
        ------
        InputError
            As `VictimSpec` does, and where an option is said twice.
        """
        spec, *pieces = _pieces(text)
        kind = spec.partition(":")[0]
        merged = _present(options or {})
        while pieces:
            name, sign, value = pieces[-1].partition("=")
            key = _key(name)
            if kind in FREE and key not in OPTIONS:
                break
            pieces.pop()
            if key in OPTIONS and OPTIONS[key].many:
                merged[key] = (value, *merged.get(key, ()))
            elif key in merged:
                raise _twice(name, kind)
            else:
                merged[key] = value if sign else True
        return cls(",".join((spec, *pieces)), merged)

    @classmethod
    def of(cls, victim: Any, options: Mapping[str, Any] | None = None) -> "VictimSpec":
        """Return the spec of a victim and options as `as_victim` takes them.

        An object, and a string with options that no file can hold, exist in this process alone.
        """
        options = _present(options or {})
        spec = cls.parse(victim) if isinstance(victim, str) else victim
        named = isinstance(spec, VictimSpec)
        if named and all(map(_is_written, options.values())):
            return spec.plus(options)
        kept = {"repeats": options.pop("repeats", None)}
        if _is_file(options.get("scale")):  # it is held against the victim's answers
            kept["scale"] = str(options["scale"])
        base = unasked(spec.plus(options)) if named else apart(wrapped(victim, options))
        return cls(f"{OBJECT}:{base.card.name}", kept, base)

    def plus(self, options: Mapping[str, Any]) -> "VictimSpec":
        """Return it with options from Python, which the victim's class checks itself.

        Raises
        ------
        InputError
            If one of them is an option already.
        """
        for name in options.keys() & self.options.keys():
            raise _twice(name, self.kind)
        more = copy(self)
        object.__setattr__(more, "options", {**self.options, **options})
        return more

    def declared(self) -> "VictimSpec":
        """Return it with the scale of its declared range, if it has no other, for good."""
        if "scale" in self.options:
            return self
        if self.base is None:
            return VictimSpec(self.spec, {**self.options, "scale": DECLARED})
        more = copy(self)
        base = rescaled(self.base, as_declared(self.base.card.scale))
        object.__setattr__(more, "base", base)
        return more

    @property
    def is_declared(self) -> bool:
        """Whether it keeps the scale of its declared range, whatever its clean scores are."""
        if self.base is None:
            return self.options.get("scale") == DECLARED
        return self.base.card.scale.basis == DECLARED

    @property
    def kind(self) -> str:
        """The kind: the part before its colon."""
        return self.spec.partition(":")[0]

    @property
    def label(self) -> str:
        """A short name, without anything that may be secret: the user's, or the model's."""
        model = "+".join((self.model, *map(str, self.options.get("defences", ()))))
        return str(self.options.get("name", model))

    @property
    def model(self) -> str:
        """The model's short name, without anything that may be secret."""
        rest = self.spec.partition(":")[2]
        if self.kind == "command":
            program = rest.split(maxsplit=1)[:1]
            return "-".join((self.kind, *(Path(each).name for each in program)))
        if self.kind == "chat":
            return str(self.options.get("model", self.kind))
        if self.kind in SERVICES:
            try:
                return urlsplit(self.spec).hostname or self.kind
            except ValueError:
                return self.kind
        if self.kind in FREE:
            return Path(rest).stem
        return (rest if self.base else rest.rpartition(":")[2]) or self.kind

    @property
    def described(self) -> dict[str, Any]:
        """The entries of a run's file, to make it again; none of a service, which may be secret."""
        if self.kind in SERVICES or self.base is not None:
            return {}
        return {"spec": self.spec, "options": dict(self.options)}

    def record(self, name: str) -> dict[str, Any]:
        """Return its entries in files; of a service's string, its public name alone."""
        public = f"{self.kind}:{name}" if "name" in self.options else name
        return {"spec": public if self.kind in SERVICES else self.spec, **self.public}

    @property
    def written(self) -> str:
        """The string and options as one string, without what may be secret: for people."""
        if self.base is not None:
            return f"an object of Python, {self.spec.partition(':')[2]}"
        pieces = [self.record(self.model).pop("spec")]
        for key, value in self.public.items():
            word = in_strings(key)
            for each in value if OPTIONS[key].many else (value,):
                text = ":".join(f"{end:g}" for end in each) if isinstance(each, tuple) else each
                pieces.append(word if each is True else f"{word}={text}")
        return ",".join(map(str, pieces))

    @property
    def public(self) -> dict[str, Any]:
        """The options as files have them: of a request's body, which may hold a secret, a hash."""
        options = {key: value for key, value in self.options.items() if key != "concurrency"}
        if "body" in options:
            options["body"] = f"sha256:{hashlib.sha256(options['body'].encode()).hexdigest()}"
        return options


def held_spec(
    run: Path,
    spec: str,
    options: Mapping[str, Any],
    named: Iterable[VictimSpec] = (),
    again: str = "",
) -> VictimSpec:
    """Return the victim of a run, by its string and options in its record.

    Where it is one of those that the caller named, that one.

    Parameters
    ----------
    run : Path
        The run's directory, for the error.
    spec : str
        The string in the record; of a service, its public name.
    options : mapping
        The options there.
    named : iterable of VictimSpec
        Victims that the caller named.
    again : str
        How the caller names a victim, where that is otherwise than for a run.

    Raises
    ------
    InputError
        If the record does not hold all of them.
    """
    for each in named:
        if _as_read(each.public) == _as_read(options) and _recorded(each) == spec:
            return each
    kind = spec.partition(":")[0]
    if kind == OBJECT:
        raise InputError(
            f"{run}: its victim was an object of the process that ran it, and cannot be made again."
        )
    if kind in SERVICES:
        raise InputError(
            f"{run}: its record does not hold all of what its victim was named by, "
            "which may be a secret; "
            + (again or f"name it for this folder: {worded('victim=SPEC', '--victim SPEC')}.")
        )
    return VictimSpec(spec, options)


def _recorded(victim: VictimSpec) -> str:
    """Return a victim's string as a file has it: of a service, the name of what is made of it."""
    if victim.kind not in SERVICES or victim.base is not None:
        return victim.spec
    return str(victim.record(unasked(victim).card.name)["spec"])


def _as_read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are read again from a file, which has lists for tuples."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in options.items()
    }


def as_victim(
    victim: "str | VictimSpec | Victim | nn.Module | Callable[..., Any]",
    *,
    repeats: int | None = None,
    **options: Any,
) -> Victim:
    """Return a victim for whatever can stand for one.

    Parameters
    ----------
    victim : str, Victim, torch.nn.Module or callable
        A string as `KINDS` describes them, with or without options behind commas, as
        ``"dbcnn,checkpoint=dbcnn.pt,dataset=live"``; a victim, returned as it is; a module from
        (n, 3, h, w) in [0, 1] to n scores; or a function from uint8 (n, h, w, 3) to n scores.
    repeats : int, optional
        For one that answers at random: how many answers are averaged into a score, each a query;
        see `Repeated`.
    **options
        The keywords of the victim's class: for a module or a function `score_range`,
        `lower_is_better` or `scale` as `Scale.declared` reads them, and for a module `exact` as
        `TorchModule` takes it and `checkpoint`, a file of weights for a copy of it. `scale` may be
        a file that `iqaudit calibrate` wrote, or ``"declared"``: C and S stay those of the range,
        where audits of ten pictures or more fit them to the clean scores.
        For both, and for ``python:``, ``onnx:`` and ``torch:`` strings, what becomes of the picture
        before it is taken: `colour` ("bgr", "grey", "ycbcr"); `resize`, the shorter side in pixels
        or (height, width), bilinear with antialiasing; `crop`, the side of the central square or
        (height, width); `input`, the values of black and white, (0, 1) unless given; `normalise`,
        "imagenet", "clip" or (means, deviations) of those values, numbers or one a channel. And
        `bins`, the scores of the first and last value of an answer that is a distribution over
        scores, whose mean is the score; they are the range unless another is given.
        `name`, for any, is its name in results.
        None, False and empty ones count as not given.

    Returns
    -------
    Victim
        Ready to be asked.

    Raises
    ------
    InputError
        If the name is unknown, an option is missing, one is given that the victim does not take or
        that its string has already, or the scale's file was fitted to another victim.
    VictimError
        If it fails when the noise of its answers is measured.
    """
    options = _present(options | {"repeats": repeats})
    if isinstance(victim, str | VictimSpec):
        spec = VictimSpec.parse(victim) if isinstance(victim, str) else victim
        spec = spec.plus(options)
        return ready(spec, unasked(spec))
    repeats = options.pop("repeats", None)
    file = options.get("scale")
    base = wrapped(victim, options)
    made = _repeated(base if base is victim else apart(base), repeats)
    if isinstance(file, str | PathLike):
        refuse_another(file, made)
    return made


def wrapped(victim: Any, options: dict[str, Any]) -> Victim:
    """Return the victim of an object, behind the defences that its options name."""
    name, defences = options.pop("name", None), options.pop("defences", ())
    on_scale = _read_scale(options)
    victim = on_scale(_defended(wrap(victim, options), defences))
    return name_victim(victim, name)


def as_declared(scale: Scale) -> Scale:
    """Return a scale that no audit fits."""
    return replace(scale, basis=DECLARED) if scale.basis == RANGE else scale


def _read_scale(options: dict[str, Any]) -> Callable[[Victim], Victim]:
    """Read a scale's file among options, or take out "declared"; return what that does."""
    if options.get("scale") == DECLARED:
        del options["scale"]
        return lambda victim: rescaled(victim, as_declared(victim.card.scale))
    if _is_file(options.get("scale")):
        options["scale"] = load_scale(options["scale"])
    return lambda victim: victim


def unasked(spec: VictimSpec) -> Victim:
    """Return a victim, made without asking it anything; its answers are not averaged yet.

    Raises
    ------
    InputError
        If an option is missing or not for it.
    """
    if spec.base is not None:
        return spec.base
    others = ("repeats", "name", "defences")
    options = {key: value for key, value in spec.options.items() if key not in others}
    on_scale = _read_scale(options)
    defences = spec.options.get("defences", ())
    victim = KINDS[spec.kind].make(spec.spec, options)
    if spec.kind == "replay" and any(changes_pictures(each) for each in chain(defences)):
        raise InputError(
            f'The victim "{spec.spec}" has the scores of the pictures that were asked about, and '
            "stands behind defences of the answer alone."
        )
    victim = on_scale(_defended(victim, defences))
    return name_victim(victim, spec.options.get("name"))


def averaged(spec: VictimSpec, base: Victim, noise: float | None = None) -> Victim:
    """Return the victim that `unasked` made as it is to be asked.

    One whose answers are averaged is asked for its noise, unless that is known; see `Repeated`.
    """
    return _repeated(base, spec.options.get("repeats"), noise)


def ready(spec: VictimSpec, base: Victim, noise: float | None = None) -> Victim:
    """Return what `averaged` does, refused where its scale's file was fitted to another victim."""
    victim = averaged(spec, base, noise)
    file = spec.options.get("scale")
    if file is not None and _is_file(file) and file != DECLARED:
        refuse_another(file, victim)
    return victim


def _repeated(base: Victim, repeats: int | None, noise: float | None = None) -> Victim:
    """Return a victim whose answers are averaged; of one that draws, the noise is known."""
    if repeats is None and not draws(base):
        return base
    return Repeated(base, 1 if repeats is None else repeats, noise)


def _defended(victim: Victim, defences: Sequence[Any]) -> Victim:
    return cast("Victim", Defended(victim, defences)) if defences else victim


class Victims:
    """The latest few victims of a process.

    Parameters
    ----------
    known : iterable of (VictimSpec, float, Scale, Victim)
        Those that are there already, each with its noise and its scale; later all that are.
    """

    MOST = 4

    def __init__(self, known: Iterable[tuple[VictimSpec, float, Scale, Victim]] = ()) -> None:
        self.known = list(known)

    def __iter__(self) -> Iterator[Victim]:
        """Yield those that are there."""
        return (victim for *_, victim in self.known)

    def get(self, spec: VictimSpec, noise: float, scale: Scale) -> Victim:
        """Return a victim whose noise and scale are known, made where it is not there."""
        for *key, victim in self.known:
            if key == [spec, noise, scale]:
                return victim
        victim = rescaled(averaged(spec, unasked(spec), noise), scale)
        self.known = [*self.known[-self.MOST + 1 :], (spec, noise, scale, victim)]
        return victim


def _pieces(text: str) -> list[str]:
    """Split a string at its commas but for those within the JSON of a request's body."""
    pieces = text.split(",")
    for start in range(len(pieces)):
        name, _, first = pieces[start].partition("=")
        for end in range(start + 1, len(pieces) + 1 if name == "body" else 0):
            with suppress(ValueError):
                json.loads(",".join((first, *pieces[start + 1 : end])))
                whole = ",".join(pieces[start:end])
                return [*pieces[:start], whole, *pieces[end:]]
    return pieces


def _key(name: str) -> str:
    """Return an option's keyword for the name that stands in a string or a file."""
    name = name.replace("-", "_")
    return ALIASES.get(name, name)


def _present(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are set: by identity, since 0 equals False, and is a value."""
    present = {
        name: value
        for name, value in options.items()
        if not (value is None or value is False or (isinstance(value, tuple) and not value))
    }
    if "defences" in present:
        defences = present["defences"]
        several = defences if isinstance(defences, list | tuple) else (defences,)
        present["defences"] = tuple(map(written, several))
    if isinstance(present.get("body"), Mapping):
        present["body"] = json.dumps(present["body"], ensure_ascii=False)
    with suppress(TypeError):  # a text, or what is refused where it is read
        if "score_range" in present:  # a list and an array are written as a tuple is
            present["score_range"] = two_numbers(present["score_range"])
    return present


def _is_written(value: object) -> bool:
    """Whether a file can hold an option's value."""
    return isinstance(value, str | int | float) or (
        isinstance(value, tuple) and all(map(_is_written, value))
    )


def _twice(name: str, kind: str) -> InputError:
    # The kind alone, not the string, which may hold a secret.
    return InputError(f'The option "{name}" of the victim "{kind}" is said twice.')


def _is_file(scale: object) -> bool:
    return isinstance(scale, str | PathLike)
