"""Benchmarks, each printing a ratio to a peer or a limit measured in the same run."""
