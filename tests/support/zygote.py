"""A process that has everything loaded, and forks one for every command line that it is given.

Starting Python anew takes a second; what is tested here is killed fifty times. A line in is a
command line as JSON; out comes the new process's number. Another line in, and its exit status
comes out when it has ended.
"""

import json
import os
import sys

import skimage.metrics  # noqa: F401 (measures would load it)
import tests.support.audited  # noqa: F401

import iqaudit._report  # noqa: F401
from iqaudit._cli import main


def _serve() -> None:
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            sys.stdin.close()
            os.dup2(2, 1)  # what it prints is none of ours
            main(json.loads(line))
            os._exit(0)
        print(child, flush=True)  # noqa: T201
        sys.stdin.readline()  # until then nobody else gets its number
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    _serve()
