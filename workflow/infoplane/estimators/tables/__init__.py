"""What is known of the methods: where they were tested, what they cost and cannot exceed."""
