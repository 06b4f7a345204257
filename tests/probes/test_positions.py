"""Positions of a game with labels of the solution, and with the network's own choice."""

import numpy as np
import pytest
import torch

from infoplane.config import ConfigError, load
from infoplane.datasets import games, prepare
from infoplane.datasets.game import Settings as GameSettings
from infoplane.networks.description import rebuild
from infoplane.networks.policy_value import Settings as NetworkSettings
from infoplane.probes.positions import PositionsProbe, Settings
from infoplane.stores.weights import WeightsStore
from infoplane.training.loop import train
from infoplane.training.selfplay import SelfPlay
from infoplane.training.selfplay import Settings as Training

TTT = {"source": "game", "game": "tic_tac_toe"}
TRAINING = {"trainer": "selfplay", "epochs": 2, "games": 2, "simulations": 4, "steps": 20}
DENSE = {"family": "policy_value", "trunk": {"kind": "dense", "units": [8]}}


@pytest.fixture(scope="module")
def data():
    return prepare(GameSettings.model_validate(TTT))


@pytest.fixture(scope="module")
def store(data, tmp_path_factory):
    judged = {"every": 5, "games": 2, "positions": 2}
    settings = Training.model_validate({**TRAINING, "device": "cpu", "evaluation": judged})
    networks = SelfPlay.networks_of(settings, NetworkSettings.model_validate(DENSE), data.shape)
    path = tmp_path_factory.mktemp("played") / "w.zarr.zip"
    train(SelfPlay(settings, networks["network"], data, [0, 1]), path, "same")
    return WeightsStore(path)


def probe(data, **keys) -> PositionsProbe:
    return PositionsProbe(Settings(probe="positions", **keys), data)


@pytest.mark.parametrize("label", [None, "value", "optimal_moves", "legal_moves"])
def test_labels_of_the_solution_are_those_of_the_data(data, label):
    found = probe(data, label=label)
    assert found.fixed and found.inputs(0, 0, None) is found.inputs(1, 2, None)
    assert found.inputs(0, 0, None).y.tolist() == data.label(label).codes.tolist()
    expected = found.inputs(0, 0, None).entropy_y  # a function of the position
    assert found.information_xy(0, 0, None) == pytest.approx(expected)


@pytest.mark.parametrize("subset", [None, 300])
def test_choice_is_the_networks_best_legal_move(data, store, subset):
    found = probe(data, label="choice", subset=subset)
    legal = games.positions("tic_tac_toe").legal
    row = {x.tobytes(): i for i, x in enumerate(data.x)}
    network = rebuild(store.networks["network"])
    assert not found.fixed
    seen = []
    for seed, epoch in [(0, 0), (0, 2), (1, 2)]:
        inputs = found.inputs(seed, epoch, store)
        assert found.information_xy(seed, epoch, store) == inputs.entropy_y > 0
        read = store.read([epoch], [seed])
        arrays = {name: torch.from_numpy(a[0]) for name, a in read.items()}
        scores = network.run(arrays, inputs.x)[0][0, :, :-1].numpy()
        rows = [row[x.numpy().tobytes()] for x in inputs.x]
        chosen = np.where(legal[rows], scores, -np.inf).argmax(1)
        assert np.array_equal(np.unique(chosen, return_inverse=True)[1], inputs.y)
        assert legal[rows, chosen].all() and len(inputs.x) == (subset or 4520)
        seen.append(inputs.y)
    assert not torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2])


def test_choice_of_shuffled_labels_is_refused():
    shuffled = prepare(GameSettings.model_validate({**TTT, "shuffled_labels": 0.5}))
    with pytest.raises(ValueError, match="choice needs legal moves as they are"):
        probe(shuffled, label="choice")


def experiment(dataset=TTT, network=DENSE, training=TRAINING, **measure):
    run = {"dataset": "board", "network": network, "training": training}
    return load(
        {
            "experiment": "play",
            "datasets": {"board": dataset},
            "estimators": {"exact": {"estimator": "exact"}},
            "runs": {"one": {**run, "measure": {"probe": "positions", **measure}}},
        },
        "play.yaml",
    )


def test_what_a_probe_does_not_have_is_named_before_any_job():
    assert experiment(label="choice").runs["one"].measure.label == "choice"
    with pytest.raises(ConfigError, match=r"measure\.label: must be one of value, .*choice"):
        experiment(label="values")
    sampled = {**TTT, "sample": 50, "solve": False}
    with pytest.raises(ConfigError, match=r"no label 'value' of data set 'board'"):
        experiment(dataset=sampled, label="value")
    supervised = {"network": {"hidden": [3]}, "training": {"epochs": 1}}
    with pytest.raises(ConfigError, match=r"'choice' needs a network of family policy_value"):
        experiment(**supervised, label="choice")
    with pytest.raises(ConfigError, match=r"no label 'legal_moves' of data set 'board'"):
        experiment(dataset={"source": "digits"}, **supervised, label="choice")
