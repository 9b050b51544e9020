"""Stocks: the master list and finding a stock by what people call it."""
