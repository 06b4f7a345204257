"""Names of layers in tables of signals: the layer's own, none, or that of a summary."""

NETWORK = ""
"""The name for the whole network."""
LAST_HIDDEN, MEAN = "@last_hidden", "@mean"
"""The measured layer before the output, and the mean over all measured layers."""
SUMMARIES = {"last_hidden": LAST_HIDDEN, "mean": MEAN}
"""The same summaries, by their names in a configuration."""
LABELS = {NETWORK: "", LAST_HIDDEN: "last hidden layer", MEAN: "mean over layers"}


def layer_label(layer: str) -> str:
    """The name of a layer in a table or a figure."""
    return LABELS.get(layer, layer)
