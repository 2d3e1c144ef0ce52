"""A program as a victim."""

import atexit
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Unpack

from iqaudit._core.errors import InputError, foreign
from iqaudit._core.paths import located
from iqaudit._core.picture import Pixels
from iqaudit.victims._metered import score_parsing
from iqaudit.victims._metered.base import ANSWER_RETRIES, Asked, Meter, RequestError, png

ONE, MANY = "{picture}", "{pictures}"
"""The placeholders of a template: a picture's path, and that of a list of paths."""

SCRIPTS = {".py", ".pyz", ".sh", ".pl", ".rb", ".js", ".jl", ".r", ".m", ".lua", ".jar", ".exe"}
WEIGHTS = {".onnx", ".pt", ".pth", ".ckpt", ".safetensors"}
TELLING = frozenset(SCRIPTS | WEIGHTS)
"""Suffixes of files that a program is named by as well."""

GRACE = 2.0
"""Seconds that a program has to end after it was asked to, before it is ended."""

OUTPUT_MOST = 1 << 20
"""Bytes; a score needs far less, a list of thousands too."""

COMPLAINTS_MOST = 64 << 20
"""Bytes on stderr; what a talkative program logs for thousands of pictures is less."""

WATCHED = 0.05
"""Seconds between two looks at how much a program has printed: its words lie on the disk."""

LINE_MOST = 200
"""Characters of a program's last words that an error repeats."""


class Command(Meter):
    """A program that prints the score of a picture.

    It is started anew for each request, without a shell, in a process group of its own. A
    picture that was answered is not asked again; see `Meter`.

    Parameters
    ----------
    template : str
        The program and its arguments, split as a shell would split them. ``{picture}`` stands for
        a PNG's path; ``{pictures}`` for that of a file with a path a line, and then as many scores
        are due, in order.
    field : str, optional
        Where in JSON output the score stands, as ``result.score``; for ``{pictures}`` the list.
    pattern : str, optional
        A regular expression with one group, the score. Without both it is the last number printed;
        for ``{pictures}`` that of each line.
    **asked
        The score's range or scale, `score_range`, `lower_is_better` and `unbounded` or `scale`,
        as `Scale.declared` reads them; one of the two is needed.
        `timeout`: seconds for one request, its whole answer included; 60 unless given.
        `retries`: how often a failed request is made again; 5 times unless given.
        `rate`: the most requests a second, evenly spaced.
        `price`: money a request.
        `budget_money`: the ceiling; the request that would pass it is not made.
        `concurrency`: pictures that are asked about at once, at the most; 1 unless given.
        `clock`: a `Clock` in place of the system's.

    Raises
    ------
    InputError
        If something given cannot be used, or there is no such program.
    """

    def __init__(
        self,
        template: str,
        *,
        field: str | None = None,
        pattern: str | None = None,
        **asked: Unpack[Asked],
    ) -> None:
        self._words = _split(template)
        together = any(MANY in word for word in self._words)
        self._program = _executable(self._words[0])
        if field is not None and pattern is not None:
            raise InputError("A score is read by a field of JSON or by a pattern, not by both.")
        self._field = None if field is None else score_parsing.Field(field)
        self._pattern = None if pattern is None else score_parsing.Pattern(pattern)
        super().__init__(_name(self._words), "A command", self._ask, together=together, **asked)

    def _ask(self, pictures: Sequence[Pixels]) -> list[float]:
        # An answer is not lost over a file that cannot be removed.
        with tempfile.TemporaryDirectory(prefix="iqaudit-", ignore_cleanup_errors=True) as folder:
            output = self._run(Path(folder), pictures)
        count = len(pictures)
        if self._field:
            read = self._field
            return read.numbers(output, count) if self._together else [read.number(output)]
        text = output.decode("utf-8", "replace")
        if self._pattern:
            return self._pattern.numbers(text, count)
        if self._together:
            return score_parsing.last_numbers(text, count)
        return [score_parsing.last_number(text)]

    def _run(self, folder: Path, pictures: Sequence[Pixels]) -> bytes:
        paths = [folder / f"picture-{number}.png" for number in range(1, len(pictures) + 1)]
        for path, picture in zip(paths, pictures, strict=True):
            path.write_bytes(png(picture))
        listed = folder / "pictures.txt"
        if self._together:
            listed.write_text("".join(f"{path}\n" for path in paths), "utf-8")
        words = [
            word.replace(MANY, str(listed)).replace(ONE, str(paths[0])) for word in self._words
        ]
        # Files, not pipes: a pipe stays open as long as any child of the program holds it.
        printed, complaints = folder / "stdout", folder / "stderr"
        with printed.open("wb") as out, complaints.open("wb") as err:
            status = self._status(words, out.fileno(), err.fileno())
        if status:
            raise RequestError(
                f"ended with {_ending(status)}{_last_line(complaints)}", again=ANSWER_RETRIES
            )
        return printed.read_bytes()

    def _status(self, words: Sequence[str], out: int, err: int) -> int:
        try:
            process = subprocess.Popen(  # noqa: S603 (the user's own program, and no shell)
                words,
                executable=self._program,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise RequestError(f"cannot be started: {error.strerror}", again=0) from None
        end = partial(_end, process)
        atexit.register(end)  # a thread of its own may not come to its own end
        until = time.monotonic() + self._policy.timeout
        try:
            while True:
                left = until - time.monotonic()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, min(left, WATCHED)))
                if process.returncode:
                    return process.returncode
                _refuse_flood(out, err)
                if process.returncode == 0:
                    return 0
                if left <= 0:
                    raise RequestError(
                        f"did not end in {self._policy.timeout:g} s and was ended",
                        again=ANSWER_RETRIES,
                    )
        finally:
            _end(process)
            atexit.unregister(end)


def _refuse_flood(out: int, err: int) -> None:
    """Refuse a program that prints more than any answer takes, before it fills the disk."""
    if os.fstat(out).st_size > OUTPUT_MOST:
        raise score_parsing.unusable(f"printed more than {OUTPUT_MOST >> 20} MiB")
    if os.fstat(err).st_size > COMPLAINTS_MOST:
        raise score_parsing.unusable(f"wrote more than {COMPLAINTS_MOST >> 20} MiB to stderr")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a program and its children."""
    group = process.pid
    try:
        if process.poll() is None:
            os.killpg(group, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        process.wait()


def _split(template: str) -> list[str]:
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise InputError(f"The command cannot be split into words: {error}.") from None
    places = {place for word in words for place in (ONE, MANY) if place in word}
    if len(places) != 1:
        raise InputError(
            f"A command has {ONE} where the picture's path belongs, as in command:prog {ONE}, or "
            f"{MANY} where that of a list of paths does, and not both."
        )
    return [str(located(word)) if word.startswith("~") else word for word in words]


def _executable(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        name, sign, _ = program.partition("=")  # a variable set before it may be a secret
        raise InputError(f'There is no program "{name}{sign}" that can be run.')
    return str(Path(path).absolute())


def _name(words: Sequence[str]) -> str:
    """Name a command by its program, and by the scripts and weights among its words.

    The others may be secrets. The words alone decide, not which files there are: an audit is taken
    up under the same name after the program wrote some.
    """
    plain = (Path(word) for word in words[1:] if re.fullmatch(r"[^\s=@:]+", word))
    telling = [path.name for path in plain if path.suffix.lower() in TELLING]
    return "command:" + " ".join([Path(words[0]).name, *telling])


def _ending(status: int) -> str:
    return f"exit code {status}" if status > 0 else f"signal {-status}"


def _last_line(file: Path) -> str:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 4 * LINE_MOST))
        lines = stream.read().decode("utf-8", "replace").split("\n")
    printed = ["".join(filter(str.isprintable, line)).strip() for line in lines]
    full = [line for line in printed if line]
    return f": {foreign(full[-1][:LINE_MOST])}" if full else ""
