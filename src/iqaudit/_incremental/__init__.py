"""Exact re-scoring of a picture of which only some windows changed, for torch modules."""

from iqaudit._incremental.network import Network, NotExportableError, read
from iqaudit._incremental.session import Rescorer, Session

__all__ = ["Network", "NotExportableError", "Rescorer", "Session", "read"]
