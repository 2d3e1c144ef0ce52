"""One thread a picture, NumPy's and torch's, whatever the environment says; then as it was."""

import subprocess
import sys

import numpy as np
from threadpoolctl import threadpool_info

from iqaudit._core.threads import one_thread

SHOW = """
import os
import numpy
import torch
from threadpoolctl import threadpool_info
from iqaudit._core.threads import one_thread

def shown():
    blas = {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}
    return sorted(blas), torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")

before = shown()
with one_thread():
    assert shown() == ([1], 1, "1"), shown()
assert shown() == before, (shown(), before)
"""


def test_blas_and_torch_have_one_thread_and_get_theirs_back() -> None:
    for threads in ("1", "2", ""):
        environment = {"OMP_NUM_THREADS": threads} if threads else {}
        done = subprocess.run(
            [sys.executable, "-c", SHOW],
            env={"PATH": "/usr/bin:/bin"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_numpys_own_library_is_one_that_is_known() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    assert any(each["user_api"] == "blas" for each in threadpool_info())
    with one_thread():
        assert {each["num_threads"] for each in threadpool_info()} == {1}
