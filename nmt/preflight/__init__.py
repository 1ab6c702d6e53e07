"""The preflight check: finds, before a training begins, what would make it fail or disappoint."""
