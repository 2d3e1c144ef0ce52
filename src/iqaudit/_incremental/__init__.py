"""Exact re-scoring of a picture of which only some windows changed, for torch modules."""
