"""The simulated DART: filings of the simulated market's companies, by OpenDART, feeds and the list of a day."""
