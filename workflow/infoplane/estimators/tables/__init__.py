"""What is known about the estimators: how they were tested, what they cost, and their
limits."""
