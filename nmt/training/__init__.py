"""Training: the loss, the schedule, and the loop that ties them together."""
