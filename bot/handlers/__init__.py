"""Handlers: thin, one family a file."""
