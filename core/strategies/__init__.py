"""Strategies: supervised long-running workers."""
