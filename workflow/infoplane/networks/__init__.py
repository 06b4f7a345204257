"""Families of networks: one file each, each with `Settings` and
`build(settings, input_shape, n_classes) -> Network`.
"""

from infoplane.table import Table

FAMILIES = Table("network family", {"mlp": "infoplane.networks.mlp"})
