"""Critics: networks that score pairs, trained until their bound on held-out pairs is best."""
