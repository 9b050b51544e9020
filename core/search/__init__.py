"""Search: embedding articles and finding similar ones as of a moment."""
