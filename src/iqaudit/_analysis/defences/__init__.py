"""What a defence keeps, what it stops, and what it costs: audits of victims with and without."""
