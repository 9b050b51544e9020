"""The domain: what the world says, what we make of it, how it keeps running."""
