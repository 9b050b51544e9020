"""Usage: what outside calls cost, and the budget they must fit."""
