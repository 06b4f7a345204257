"""Families of networks, one file each. A file has a subclass of `network.Network`, made from
its settings, the shape of an input and the size of an output.
"""

from infoplane.table import Table

FAMILIES = Table(
    "network family",
    {
        "mlp": "infoplane.networks.mlp:MLP",
        "cnn": "infoplane.networks.cnn:CNN",
        "generator": "infoplane.networks.generator:Generator",
        "autoencoder": "infoplane.networks.autoencoder:Autoencoder",
        "policy_value": "infoplane.networks.policy_value:PolicyValue",
        "module": "infoplane.networks.module:Module",
    },
    open=True,
    base="infoplane.networks.network:Network",
)
