"""Usage: what calls cost and how they went, day by day, against the budget."""
