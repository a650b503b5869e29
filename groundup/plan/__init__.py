"""Before you train: what it will cost, and whether this machine computes correctly."""
