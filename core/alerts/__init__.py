"""Personal alerts: what happened to a stock becomes letters to those who watch it."""
