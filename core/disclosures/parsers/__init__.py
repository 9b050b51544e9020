"""Pure parsers of what DART answers: bytes in, values out, `Malformed` for what cannot be one."""
