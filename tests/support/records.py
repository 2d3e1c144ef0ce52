"""Records that are changed as a writer, or a forger, would: with the checksum that fits."""

import json
from collections.abc import Mapping
from typing import Any

from iqaudit._runs.checksums import sealed


def text(record: Mapping[str, Any]) -> str:
    """Return a changed record's file; one of an earlier version has no checksum either."""
    content = json.dumps({key: each for key, each in record.items() if key != "checksum"}, indent=1)
    return sealed(content) if "checksum" in record else content
