"""The front door: every command's act, as one call from Python."""
