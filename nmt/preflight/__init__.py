"""What would make a training fail or disappoint, found before it begins."""
