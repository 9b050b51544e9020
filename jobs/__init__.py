"""The scheduled work: one registry, one envelope, one file a family."""
