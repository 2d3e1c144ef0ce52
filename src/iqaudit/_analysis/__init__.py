"""Analyses of runs, computed from their directories."""
