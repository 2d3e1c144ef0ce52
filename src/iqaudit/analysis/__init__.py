"""What runs say, computed from their directories."""
