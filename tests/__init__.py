"""The tests: offline, deterministic, one property each."""
