"""The market-data API of Korea Investment & Securities."""
