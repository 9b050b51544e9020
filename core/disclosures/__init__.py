"""Disclosures: what listed companies file with the supervisor, what it means, and which filing corrects which."""
