"""What an experiment's results are made from, before any job runs."""
