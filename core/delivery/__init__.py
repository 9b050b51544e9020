"""Delivery: what happened becomes outbox rows, and one paced sender brings them to the hooks."""
