"""A simulated Maeil: its feeds, news sitemap and article pages."""
