"""Reports: the verdict of a moment in words and a picture, every number from data."""
