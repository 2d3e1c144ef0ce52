"""The search: a ledger of queries, a trial of one picture, and the loop that drives trials."""
