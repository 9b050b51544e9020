"""Market data: quotes, daily bars, and where they came from."""
