"""Exact re-scoring of a picture of which only some windows changed, for torch modules."""

from iqaudit.incremental.network import Network, NotExportableError, read
from iqaudit.incremental.session import Rescorer, Session

__all__ = ["Network", "NotExportableError", "Rescorer", "Session", "read"]
