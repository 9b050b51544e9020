"""News: sources, identity, duplicates, and which stocks an article is about."""
