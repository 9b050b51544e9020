"""Parsers of news sources: pure, bytes to values. What changes the values of the same bytes gets a new version."""
