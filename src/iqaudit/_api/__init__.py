"""The front door: what every command does, as one call from Python."""
