"""Findings: figures of what an attack shows about its victim, each with a sentence."""
