"""Briefs: three times a day, what happened to a person's own stocks, on one phone screen."""
