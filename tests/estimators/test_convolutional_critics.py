import math

import numpy as np
import pytest
import torch
from torch import nn

import infoplane
from infoplane.estimators import ESTIMATORS, mine
from infoplane.estimators.critics import convolutions, samples, training
from infoplane.estimators.tables.calibration import told_apart_by
from infoplane.samples import BIT, Pair, Samples

SMALL = {"width": 16, "channels": [4], "batch_size": 64, "evaluate_every": 50}
SHAPE = (1, 8, 8)
CRITICS = ("mine", "nwj", "infonce", "smile", "js")


def faint(n, bits, seed=0, spread=0.3):
    """Images a and b: one template each with correlated strengths, on white noise.

    Along the template, a unit normal and the noise have the variance 1 + spread²; in all other
    directions there is only noise. I(A;B) = −½ log2(1 − ρ²), where ρ is the correlation of the
    projections on the templates.
    """
    rng = np.random.default_rng(seed)
    profile = np.hanning(10)[1:-1]
    template = np.outer(profile, profile)
    template /= np.linalg.norm(template)
    rho = math.sqrt(1 - 2 ** (-2 * bits)) * (1 + spread**2)
    assert rho <= 1
    z = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=n)
    a, b = (
        z[:, i, None] * template.ravel() + spread * rng.normal(size=(n, 64)) for i in (0, 1)
    )
    return Pair.of(a, b, shapes=(SHAPE, SHAPE))


def twin(settings, maps, widths):
    """The same critic in torch.nn: lists of modules, by the names of the weights."""
    modules = {}
    for side, shape, width in zip("ab", maps, widths, strict=True):
        d = width
        if shape:
            n_channels, sides = shape[0], shape[1:]
            for i, n_out in enumerate(settings.channels, 1):
                conv = nn.Conv2d(
                    n_channels, n_out, settings.kernel, settings.stride, settings.kernel // 2
                )
                sides = conv(torch.zeros(1, n_channels, *sides)).shape[2:]
                modules[f"{side}.conv{i}"], n_channels = conv, n_out
            d = n_channels * math.prod(sides)
        separable = settings.critic == "separable"
        for layer in range(1, settings.depth + 2) if separable else [1]:
            bias = separable or side == "b"
            size = d if layer == 1 else settings.width
            modules[f"{side}{layer}"] = nn.Linear(size, settings.width, bias=bias)
    if settings.critic == "concat":
        for layer in range(2, settings.depth + 1):
            modules[str(layer)] = nn.Linear(settings.width, settings.width)
        modules["out"] = nn.Linear(settings.width, 1)
    return modules


def twin_score(settings, maps, modules, a, b):
    """f(a, b) of rows, only with torch.nn."""
    sides = {}
    for side, shape, h in zip("ab", maps, (a, b), strict=True):
        if shape:
            h = h.view(-1, *shape)
            for i in range(1, len(settings.channels) + 1):
                h = modules[f"{side}.conv{i}"](h).relu()
            h = h.flatten(1)
        if settings.critic == "separable":
            for layer in range(1, settings.depth + 2):
                h = modules[f"{side}{layer}"](h)
                h = h.relu() if layer <= settings.depth else h
        else:
            h = modules[f"{side}1"](h)
        sides[side] = h
    if settings.critic == "separable":
        return (sides["a"] * sides["b"]).sum(1) / math.sqrt(settings.width)
    h = (sides["a"] + sides["b"]).relu()
    for layer in range(2, settings.depth + 1):
        h = modules[str(layer)](h).relu()
    return modules["out"](h)[:, 0]


@pytest.mark.parametrize("critic", ["concat", "separable"])
@pytest.mark.parametrize("maps", [((2, 5, 6), ()), ((2, 5, 6), (1, 4, 4)), ((), (1, 4, 4))])
def test_scores_and_slopes_agree_with_a_twin_in_torch_nn(critic, maps):
    settings = mine.MINESettings(critic=critic, width=5, channels=[3, 4], kernel=3, stride=2)
    widths = tuple(math.prod(shape) if shape else 7 for shape in maps)
    net = training.critics_of(settings, *widths, maps)
    generator = torch.Generator().manual_seed(3)
    values = torch.zeros(2, net.n_weights)
    for i in (0, 1):
        net.put(values, i, net.initial(generator))
    values.requires_grad_()
    a, b = (torch.randn(2, 6, d, generator=generator) for d in widths)
    joint, product, _ = net.scores(net.views(values), a, b)
    (slopes,) = torch.autograd.grad(joint.square().sum(), values)
    for i in (0, 1):
        modules = twin(settings, maps, widths)
        for name, weight in net.views(values).items():
            layer, _, kind = name.rpartition(".")
            own = weight[i].detach()
            target = getattr(modules[layer], kind)
            target.data = own.clone() if own.ndim in (1, 4) else own.T.clone()
        scores = twin_score(settings, maps, modules, a[i], b[i])
        # float32 sums of some ten terms of order 1
        torch.testing.assert_close(joint[i], scores, rtol=1e-5, atol=1e-5)
        shifted = twin_score(settings, maps, modules, a[i], b[i].roll(-1, 0))
        found = product[i].T if critic == "concat" else product[i].diagonal(-1)[:, None]
        expected = shifted if critic == "concat" else shifted[:-1]
        torch.testing.assert_close(found[:, 0], expected, rtol=1e-5, atol=1e-5)
        scores.square().sum().backward()
        for name, slope in net.views(slopes).items():
            layer, _, kind = name.rpartition(".")
            own = getattr(modules[layer], kind).grad
            own = own if own.ndim in (1, 4) else own.T
            torch.testing.assert_close(slope[i], own, rtol=1e-4, atol=1e-5)


def test_first_weights_lie_within_one_over_the_root_of_the_inputs_of_a_kernel():
    net = training.critics_of(mine.MINESettings(channels=[3, 4]), 50, 7, ((2, 5, 5), ()))
    initial = net.initial(torch.Generator().manual_seed(0))
    for name, fan_in in {"a.conv1": 2 * 9, "a.conv2": 3 * 9, "a1": 4 * 4 + 7}.items():
        for kind in {"weight", "bias"} & {key.rpartition(".")[2] for key in initial}:
            if f"{name}.{kind}" in initial:
                largest = initial[f"{name}.{kind}"].abs().max()
                assert 0.4 / math.sqrt(fan_in) < largest <= 1 / math.sqrt(fan_in)


@pytest.mark.parametrize("name", CRITICS)
def test_every_critic_finds_what_two_images_share(name):
    bits = 1.0
    found = ESTIMATORS[name](**SMALL, max_steps=400, seed=1).between(faint(1500, bits))
    # 225 held-out samples in each half leave a standard error of about 0.1 bit; a critic that
    # has not learnt everything gives less
    assert bits - 0.35 < found.value < bits + 3 * found.stderr + 0.05
    alone = faint(1500, bits)
    alone = Pair(alone.a, alone.b.roll(7, 0), shapes=alone.shapes)
    found = ESTIMATORS[name](**SMALL, max_steps=200, seed=1).between(alone)
    assert abs(found.value) < 0.1 + 3 * found.stderr


def test_vectors_give_the_same_bits_whatever_the_settings_of_maps_are():
    pair = faint(200, 0.5)
    flat = Pair(pair.a, pair.b)
    plain = mine.MINE(max_steps=50, width=8).between(flat)
    auto = mine.MINE(max_steps=50, width=8, channels=[2, 2], kernel=5).between(flat)
    dense = mine.MINE(max_steps=50, width=8, network="dense").between(pair)
    assert plain.value == auto.value == dense.value
    assert mine.MINE(max_steps=50, width=8).between(pair).value != plain.value


def test_maps_and_vectors_of_one_batch_get_what_they_get_alone():
    pair = faint(200, 0.5)
    labels = Pair(pair.a, (pair.b[:, 0] > 0).to(torch.int64), shapes=(SHAPE, ()))
    pairs = [pair, Pair(pair.a, pair.b), labels, pair]
    estimator = mine.MINE(**SMALL, max_steps=60)
    together = estimator.between_batch(pairs)
    for one, expected in zip(pairs, together, strict=True):
        # float32 rounding over 60 steps of Adam
        assert estimator.between(one).value == pytest.approx(expected.value, abs=1e-3)
    assert together[0].value == together[3].value


def test_a_channel_of_a_map_is_standardised_as_one_variable():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(40, 2, 4, 4)) * np.array([1e-3, 50])[:, None, None] + 9
    maps[:, :, 0, 0] += 100
    rows = torch.tensor(maps).flatten(1)
    pair = Pair(rows, rows, shapes=((2, 4, 4), ()))
    group = samples.stacked([pair], mine.MINESettings(channels=[4]))
    of_maps = group.a[0].view(40, 2, 16)
    np.testing.assert_allclose(of_maps.mean((0, 2)), 0, atol=1e-5)  # float32
    np.testing.assert_allclose(of_maps.std((0, 2), correction=0), 1, atol=1e-5)
    # a bright corner stays bright, and positions keep their order
    assert (of_maps[:, 0, 0] > of_maps[:, 0, 1:].amax(1)).all()
    assert torch.equal(of_maps[:, 0].argsort(1), rows.view(40, 2, 16)[:, 0].argsort(1))
    assert group.maps == ((2, 4, 4), ())


def test_a_curve_tells_every_evaluation_and_a_warm_start_goes_on_where_it_ended():
    estimator = mine.MINE(**SMALL, max_steps=200, patience=9, curves=True, warm_start=True)
    pair = faint(400, 1.0)
    key, memory = ("conv1", 0, "x"), {}
    at = [Pair(pair.a, pair.b, key=key, epoch=e, shapes=pair.shapes) for e in (0, 4)]
    first, second = (estimator.between_batch([one], memory)[0] for one in at)
    assert [step for step, _ in first.curve] == [0, 50, 100, 150, 200]
    assert first.curve[-1][0] == first.extra["steps"]
    assert (first.extra["carried"], second.extra["carried"]) == (0.0, 1.0)
    best = max(bound for _, bound in first.curve)
    # The same weights on the same held-out pairs, rounded to float32 on the way.
    assert second.curve[0][1] == pytest.approx(best, abs=1e-6)
    assert first.curve[0][1] == pytest.approx(0, abs=0.1)  # fresh weights know nothing
    assert estimator.between(pair).extra["carried"] == 0.0


def test_a_curve_is_what_training_saw(monkeypatch):
    seen = []
    note = training.Reports.note

    def watched(self, step, alive, bound, stderr, criterion):
        seen.append((step, BIT * bound.mean(dim=0).tolist()[0]))
        return note(self, step, alive, bound, stderr, criterion)

    monkeypatch.setattr(training.Reports, "note", watched)
    found = mine.MINE(**SMALL, max_steps=120, curves=True).between(faint(200, 1.0))
    assert list(found.curve) == seen
    assert [step for step, _ in seen] == [0, 50, 100, 120]
    assert mine.MINE(**SMALL, max_steps=50).between(faint(200, 1.0)).curve == ()


def test_a_kernel_larger_than_a_map_is_named():
    pair = faint(50, 0.5)
    with pytest.raises(
        ValueError, match=r"kernel must be at most 8, not 9: with maps of 8 × 8"
    ):
        mine.MINE(kernel=9).between(pair)
    with pytest.raises(ValueError, match=r"at most 4, not 5.*convolution 2 gets maps of 4 × 4"):
        mine.MINE(kernel=5, channels=[2, 2]).between(pair)
    with pytest.raises(ValueError, match="neither variable has a shape"):
        mine.MINE(network="convolutional").between(Pair(pair.a, pair.b))


def test_a_map_of_one_position_is_a_vector():
    assert not convolutions.is_map((120, 1, 1))
    assert convolutions.is_map((1, 1, 5))
    assert not convolutions.is_map((5,))


def test_shapes_that_do_not_fit_their_rows_are_refused():
    pair = faint(50, 0.5)
    a, b = pair.a.numpy(), pair.b.numpy()
    for shape in [(1, 8, 9), (64,), (-1, 8, -8)]:
        with pytest.raises(ValueError, match="shape of a row of a must be"):
            infoplane.mutual_information(a, b, shape_a=shape, estimator="mine")
    with pytest.raises(ValueError, match="shape of a row of b must be"):
        infoplane.mutual_information(a, b[:, 0] > 0, shape_b=SHAPE, estimator="mine")
    with pytest.raises(ValueError, match="shape of a row of t must be"):
        infoplane.estimate(a, b[:, 0] > 0, shape=(3, 3, 3), estimator="mine")
    with pytest.raises(ValueError, match="shape of a row of x must be"):
        infoplane.estimate(a, b[:, 0] > 0, x=b, shape_x=(3, 3, 3), estimator="mine")


def test_shapes_given_in_a_notebook_reach_the_critic():
    pair = faint(200, 0.5)
    y = (pair.b[:, 0] > 0).long()
    options = {**SMALL, "estimator": "mine", "max_steps": 50}
    found = infoplane.estimate(pair.a, y, x=pair.b, shape=SHAPE, shape_x=SHAPE, **options)
    expected = mine.MINE(**SMALL, max_steps=50).between(pair)
    assert found.ixt.value == pytest.approx(expected.value, abs=1e-5)
    one = Samples.of(pair.a[:, :1], y)
    session = mine.MINE().session()
    assert not session.estimator.takes_as_maps([one.shape])


def test_settings_of_maps_leave_the_accuracy_of_vectors_as_it_is():
    plain = told_apart_by(mine.MINE())
    assert told_apart_by(mine.MINE(channels=[2], kernel=5, stride=1, curves=True)) == plain
    assert told_apart_by(mine.MINE(network="dense")) == plain
    assert told_apart_by(mine.MINE(network="convolutional")) != plain
