"""A simulated Hankyung: its feeds and article pages."""
