"""Health: one real probe a component, and the rule that makes them one status."""
