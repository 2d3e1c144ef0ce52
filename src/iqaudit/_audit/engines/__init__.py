"""Execution backends of audits: serial, processes, Ray."""
