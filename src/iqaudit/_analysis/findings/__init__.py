"""Findings: figures on a victim that an attack on it yields, each with a sentence."""
