"""The plan of an experiment, made before any job runs: files, recipes and costs."""
