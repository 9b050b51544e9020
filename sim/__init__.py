"""Simulated outside services in their real wire formats, for the demo, the tests and the benchmarks."""
