"""Hardening: weights for a torch victim that are harder to push."""
