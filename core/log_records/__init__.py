"""Log rows: what was logged at WARNING and above, kept in the database."""
