"""Runs on disk: the schema of their files, how they are written, read, measured and verified."""
