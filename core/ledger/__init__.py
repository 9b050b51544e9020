"""The ledger: every paid call as a row, and the budget it must fit."""
