"""Scoring: predictions against what happened."""
