"""A simulated Reddit: tokens, new posts and the state of posts."""
