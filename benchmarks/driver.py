"""Makes the pieces of `benchmarks.strength`, in worker processes of one core each."""

import multiprocessing
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

from benchmarks import pieces
from benchmarks.pieces import Piece, Result


def drive(
    planned: Sequence[Piece],
    path: Path,
    workers: int,
    finished: Callable[[Sequence[Piece], int], Generator[Result]] | None = None,
) -> int:
    """Make the pieces that a file has not, and keep each in it as it is finished.

    `finished` makes them, in processes unless given. Returns how many failed.
    """
    finished = finished or in_processes
    found = pieces.read(path)
    todo = [piece for piece in planned if piece.key not in found]
    print(f"{len(planned) - len(todo)} of {len(planned)} pieces are there", flush=True)
    left = {piece.key: piece for piece in todo}
    pace = Pace(pieces.kept(planned, found))
    with pieces.open_to_append(path) as file, closing(finished(todo, workers)) as results:
        for result in results:
            pieces.append(file, result)
            pace.add(result)
            piece = left.pop(result.key)
            print(
                f"{len(planned) - len(left)}/{len(planned)} {piece.label} "
                f"{result.direction}: RGO {result.checkpoints[-1].rgo:.3f}, "
                f"{result.seconds:.0f} s; {pace.left(list(left.values()), workers)} left",
                flush=True,
            )
    return len(left)


class Pace:
    """How long pieces take, by victim and attack."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._spent: dict[tuple[str, ...], list[float]] = {}
        for result in results:
            self.add(result)

    def add(self, result: Result) -> None:
        """Take in what a piece took."""
        for known in ((result.victim, result.attack), (result.victim,), ()):
            spent = self._spent.setdefault(known, [0.0, 0.0])
            spent[0] += result.seconds
            spent[1] += result.queries

    def left(self, todo: Sequence[Piece], workers: int) -> str:
        """Return a guess of the time that pieces will take, in words."""
        seconds = 0.0
        for piece in todo:
            known = ((piece.victim, piece.attack), (piece.victim,), ())
            spent = next(self._spent[each] for each in known if each in self._spent)
            seconds += piece.queries * spent[0] / spent[1]
        minutes = round(seconds / workers / 60)
        return f"{minutes // 60} h {minutes % 60:02d} min"


def in_processes(todo: Sequence[Piece], workers: int) -> Generator[Result]:
    """Yield results as worker processes of one core each finish them."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, pieces.prepare_worker) as pool:
        try:
            asked = {pool.submit(pieces.work, piece): piece for piece in todo}
            for future in as_completed(asked):
                error = future.exception()
                if error is None or isinstance(error, BrokenProcessPool):
                    yield future.result()
                else:  # the others' night is not lost for it
                    print(f"failed: {asked[future].label}: {error!r}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
