"""From weights to records: activations are regenerated, measured, pooled, checked."""
