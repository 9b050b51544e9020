"""A simulated Korea Investment & Securities: tokens, quotations and stock master files."""
