"""Sources: the state of everything we read from, and what they sent that could not be used."""
