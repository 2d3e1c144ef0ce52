"""A download that failed: the file, and the folder in which a library looks for it."""

import socket
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds for which a connection may stay silent. torch and CLIP download without any limit."""

DOWNLOADERS = {"download_url_to_file": "dst", "_download": "download_target"}
"""The functions of torch.hub and of CLIP that download, and their names of the file written."""


@contextmanager
def patience(seconds: float = PATIENCE) -> Iterator[None]:
    """Let no connection that is opened inside stay silent for longer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def missing(error: BaseException) -> str | None:
    """Return a sentence on a failed download's file and its place; None if nothing was fetched.

    The errors themselves name neither; the frames that they came through do.
    """
    link: BaseException | None = error
    while link is not None:
        # A library may try one download after another: the last one to fail is nearest the top.
        for frame, _ in reversed(list(traceback.walk_tb(link.__traceback__))):
            if told := _told(frame.f_code.co_name, frame.f_locals):
                return told
        link = link.__cause__ or link.__context__
    return None


def _told(function: str, known: Mapping[str, Any]) -> str | None:
    url, path = known.get("url"), known.get(DOWNLOADERS.get(function, ""))
    if isinstance(url, str) and isinstance(path, str):
        file = Path(path)
        return f"{file.name}: fetch {url} where there is a network and put it into {file.parent}"
    repository, file_name = known.get("repo_id"), known.get("filename")
    if function == "hf_hub_download" and repository and file_name:
        folder = f"models--{str(repository).replace('/', '--')}"
        return (
            f"{file_name} of {repository}: run `hf download {repository}` where there is a network "
            f"and copy the folder {folder} from its cache into {known.get('cache_dir')}"
        )
    return None
