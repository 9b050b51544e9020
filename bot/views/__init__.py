"""Views: pure functions from a domain value to a Message."""
