"""What a job of signals is expected to need grows with what it measures."""

from infoplane.datasets.source import Shape
from infoplane.networks import mlp
from infoplane.signals import from_written
from infoplane.signals.cost import of_network
from infoplane.signals.settings import Settings

DATA = Shape(1000, (50,), {"y": 10}, 800)
KSG = {"signal": "information", "estimator": {"estimator": "ksg"}}


def cost(hidden=(20, 20), data=DATA, signals=(), **settings):
    network = mlp.MLP(mlp.Settings(hidden=list(hidden)), data.of_input, 10)
    return of_network(network, data, Settings(**settings), signals)


def test_costs_grow_with_inputs_width_and_estimators():
    usual = cost()
    assert cost(subset=100).seconds < usual.seconds
    assert cost(subset=10_000) == usual  # there are no more than 800
    assert cost((400, 400)).seconds > usual.seconds
    assert cost(data=DATA._replace(n=10**6, n_train=10**6)).mb > usual.mb
    by_ksg = [from_written(KSG).settings]
    assert cost(signals=by_ksg).seconds > usual.seconds
    assert cost(signals=by_ksg * 2) == cost(signals=by_ksg)  # one estimate for both


def test_layers_that_an_unknown_network_lacks_are_no_error():
    assert cost(layers=["conv1"]).seconds > 0
