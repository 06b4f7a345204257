"""Names of layers in tables of signals: a layer's own, none, or a summary of several layers."""

NETWORK = ""
"""Stands for the whole network."""
LAST_HIDDEN, MEAN = "@last_hidden", "@mean"
"""The measured layer before the output, and the mean over all measured layers."""
SUMMARIES = {"last_hidden": LAST_HIDDEN, "mean": MEAN}
"""The same, as a configuration names them."""
LABELS = {NETWORK: "", LAST_HIDDEN: "last hidden layer", MEAN: "mean over layers"}


def layer_label(layer: str) -> str:
    """How a table or a figure names a layer."""
    return LABELS.get(layer, layer)
