"""Runs: slots, leases, fencing and the history of the scheduled work."""
