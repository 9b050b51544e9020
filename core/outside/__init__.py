"""Everything outside that is read: one table of it, how each stands, and mending it by hand."""
