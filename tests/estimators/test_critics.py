import math

import numpy as np
import pytest
import torch

from infoplane.estimators import ESTIMATORS, mine, nwj
from infoplane.estimators.critics import samples, training
from infoplane.estimators.critics.networks import MASKED, Concat, Scores, Separable
from infoplane.samples import BIT, Pair

CRITICS = ("mine", "nwj", "infonce", "smile", "js")
MARGINS = ("normal_scores", "standardised")
SMALL = {"width": 16, "batch_size": 64, "max_steps": 300, "evaluate_every": 50}


@pytest.fixture(params=CRITICS)
def method(request):
    return ESTIMATORS[request.param]


@pytest.fixture(params=["mine", "infonce"])
def architecture(request):
    """One method for each architecture: concat and separable critics."""
    return ESTIMATORS[request.param]


def gaussians(n, d, bits, seed=0, d_b=None):
    """A pair with I(A;B) = −(d/2) log2(1 − ρ²) = `bits`; b has d_b − d columns of noise."""
    rho = math.sqrt(1 - 2 ** (-2 * bits / d))
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d))
    b = rho * a + math.sqrt(1 - rho**2) * rng.normal(size=(n, d))
    return Pair.of(a, np.hstack([b, rng.normal(size=(n, (d_b or d) - d))]))


def one(method, pair, **options):
    return method(**(SMALL | options)).between_batch([pair])[0]


def architectures(d_a=3, d_b=2):
    return {
        "separable": Separable(d_a, d_b, 5, 2),
        "concat": Concat(d_a, d_b, 5, 2, contrasts=3, held_out_contrasts=4),
    }


def drawn(net, n_critics, seed=0):
    """All weights of a stack of critics, (C, n_weights)."""
    values = torch.zeros(n_critics, net.n_weights)
    for i in range(n_critics):
        net.put(values, i, net.initial(torch.Generator().manual_seed(seed + i)))
    return values


def slow_score(net, weights, i, a, b):
    """f(a, b) of the i-th critic, for one pair of samples (d_a,) and (d_b,)."""
    w = {name: values[i] for name, values in weights.items()}
    if isinstance(net, Separable):
        sides = []
        for side, h in (("a", a), ("b", b)):
            for layer in range(1, net.depth + 2):
                h = h @ w[f"{side}{layer}.weight"] + w[f"{side}{layer}.bias"]
                h = h.relu() if layer <= net.depth else h
            sides.append(h)
        return sides[0] @ sides[1] / math.sqrt(net.width)
    h = (a @ w["a1.weight"] + b @ w["b1.weight"] + w["b1.bias"]).relu()
    for layer in range(2, net.depth + 1):
        h = (h @ w[f"{layer}.weight"] + w[f"{layer}.bias"]).relu()
    return (h @ w["out.weight"] + w["out.bias"])[0]


def slow_scores(net, weights, a, b, held_out=False):
    """Joint (C, n) and product scores (C, K, n) of a (C, n, d_a) and b (C, n, d_b)."""
    n_critics, n = a.shape[:2]
    n_moves = n - 1 if isinstance(net, Separable) else net.n_contrasts(n, held_out)
    rows = [
        [
            torch.stack(
                [slow_score(net, weights, c, a[c, i], b[c, (i + s) % n]) for i in range(n)]
            )
            for s in range(n_moves + 1)
        ]
        for c in range(n_critics)
    ]
    scores = torch.stack([torch.stack(of_critic) for of_critic in rows])
    return scores[:, 0], scores[:, 1:]


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("kind", ["separable", "concat"])
def test_scores_agree_with_their_slow_twin(kind, held_out):
    net, n = architectures()[kind], 6
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randn(2, n, d, generator=generator) for d in (3, 2))
    weights = net.views(drawn(net, 2))
    joint, product, n_contrasts = net.scores(weights, a, b, held_out=held_out)
    slow_joint, slow_product = slow_scores(net, weights, a, b, held_out)
    assert n_contrasts == net.n_contrasts(n, held_out)
    # float32 sums of a few terms of order 1
    torch.testing.assert_close(joint, slow_joint, rtol=1e-5, atol=1e-5)
    assert int((product > MASKED).sum()) == 2 * n * n_contrasts
    found = product.sort(dim=1).values[:, -n_contrasts:]
    torch.testing.assert_close(found, slow_product.sort(dim=1).values, rtol=1e-5, atol=1e-5)
    if kind == "concat":
        torch.testing.assert_close(product, slow_product, rtol=1e-5, atol=1e-5)


def softplus(f):
    return np.log1p(np.exp(f))


F, G = np.random.default_rng(0).normal(size=7), np.random.default_rng(1).normal(size=(4, 7))
"""Scores of 7 joint pairs, and of 4 product pairs of each of their samples."""

SEPARATION = softplus(-F).mean() + softplus(G).mean()
AMONG_OTHERS = np.log(5) + np.mean(F - np.log(np.exp(F) + np.exp(G).sum(0)))
LOSS_AND_BOUND = {
    "mine": (1 - F.mean(), F.mean() - np.log(np.exp(G).mean())),
    "nwj": (np.exp(G - 1).mean() - F.mean(), F.mean() - np.exp(G - 1).mean()),
    "js": (SEPARATION, 1 + F.mean() - np.exp(G).mean()),
    "smile": (SEPARATION, F.mean() - np.log(np.exp(np.clip(G, -0.5, 0.5)).mean())),
    "infonce": (-AMONG_OTHERS, AMONG_OTHERS),
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", LOSS_AND_BOUND)
def test_losses_and_bounds_agree_with_their_formulas(name, masked):
    estimator = ESTIMATORS[name](**({"clip": 0.5} if name == "smile" else {}))
    product = np.vstack([G, np.full(7, MASKED)]) if masked else G
    joint, product = (torch.tensor(f, requires_grad=True) for f in (F[None], product[None]))
    scores = Scores(joint, product, n_contrasts=4)
    loss = estimator.loss(scores, {})
    value, terms = estimator.bound(estimator.summary(scores))
    expected = LOSS_AND_BOUND[name]
    assert (loss.item(), value.item()) == pytest.approx(expected, abs=1e-9)  # float64
    assert terms.shape == (1, 7)
    by_joint, by_product = torch.autograd.grad(loss.sum(), (joint, product))
    assert by_joint.isfinite().all() and by_product[0, :4].isfinite().all()
    assert (by_product[0, 4:] == 0).all()


def test_gradient_of_mine_has_the_moving_average_for_a_denominator():
    estimator, state = mine.MINE(averaging=0.25), {}
    estimator.loss(Scores(torch.tensor(F[None]), torch.tensor(G[None]), 4), state)
    product = torch.tensor(2 * G[None], requires_grad=True)
    loss = estimator.loss(Scores(torch.tensor(F[None]), product, 4), state)
    (found,) = torch.autograd.grad(loss.sum(), product)
    average = 0.75 * np.exp(G).mean() + 0.25 * np.exp(2 * G).mean()
    np.testing.assert_allclose(found[0], np.exp(2 * G) / (4 * 7 * average), rtol=1e-9)


def test_one_critic_alone_gives_what_it_gives_in_a_batch(architecture):
    pairs = [gaussians(400, 2, 1.0, seed=s, d_b=2 + 3 * s) for s in range(4)]
    labels = Pair.of(pairs[0].a, (pairs[0].b[:, 0] > 0).to(torch.int64))
    pairs = [*pairs, labels, gaussians(300, 2, 1.0)]
    settings = architecture.Settings(**(SMALL | {"max_steps": 60}))
    together = architecture(settings).between_batch(pairs)
    for pair, expected in zip(pairs, together, strict=True):
        (alone,) = architecture(settings).between_batch([pair])
        # float32 rounding over 60 steps of Adam
        assert alone.value == pytest.approx(expected.value, abs=1e-3)
        assert alone.stderr == pytest.approx(expected.stderr, abs=1e-3)
        assert alone.extra["steps"] == expected.extra["steps"]
    backwards = architecture(settings).between_batch(pairs[::-1])[::-1]
    assert [r.value for r in backwards] == pytest.approx([r.value for r in together], abs=1e-3)


def test_memory_splits_a_group_without_changing_it():
    pairs = [gaussians(400, 2, 1.0, seed=s) for s in range(3)]
    results = [mine.MINE(**(SMALL | {"memory_mb": mb})).between_batch(pairs) for mb in (1, 512)]
    found, expected = ([r.value for r in result] for result in results)
    assert found == pytest.approx(expected, abs=1e-3)  # float32 rounding, as above
    assert training.how_many(mine.MINESettings(memory_mb=1), 400, 400, 2, 2) == 1


def test_critics_that_stop_early_leave_the_others_as_they_are():
    easy, hard = gaussians(400, 1, 0.0, seed=3), gaussians(400, 1, 2.0)
    options = SMALL | {"max_steps": 100, "evaluate_every": 20, "patience": 1}
    first, second = mine.MINE(**options).between_batch([easy, hard])
    alone = one(mine.MINE, hard, **options)
    assert first.extra["steps"] < second.extra["steps"] == alone.extra["steps"]
    assert second.value == pytest.approx(alone.value, abs=2e-3)  # float32 over 100 steps


def test_results_repeat_and_depend_on_the_seed():
    pair = gaussians(400, 2, 1.0)
    assert one(mine.MINE, pair).value == one(mine.MINE, pair).value
    assert one(mine.MINE, pair).value != one(mine.MINE, pair, seed=1).value


def test_no_global_random_state_is_used():
    state = torch.get_rng_state()
    one(mine.MINE, gaussians(60, 1, 1.0), max_steps=5)
    assert torch.equal(state, torch.get_rng_state())


def test_units_of_single_variables_do_not_matter():
    pair = gaussians(400, 2, 1.0)
    scaled = Pair.of(pair.a * torch.tensor([1e-20, 1e25]) + torch.tensor([0.0, 1e26]), pair.b)
    # A shift of 10 standard deviations costs float64 one digit, float32 nothing.
    assert one(mine.MINE, scaled).value == pytest.approx(one(mine.MINE, pair).value, abs=1e-2)


def test_standardised_has_zero_for_what_never_varies():
    x = torch.tensor([[1.0, 3.0, 1e-30], [2.0, 3.0, -1e-30], [6.0, 3.0, 0.0]])
    z = samples.standardised(x.to(torch.float64)).double().numpy()
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)  # float32
    np.testing.assert_allclose(z.std(axis=0), [1, 0, 1], atol=1e-6)


def test_monotone_maps_of_two_continuous_variables_change_nothing():
    pair = gaussians(400, 2, 1.0)
    mapped = Pair.of(pair.a.double().exp(), pair.b.double() ** 3)
    few = {"max_steps": 40, "evaluate_every": 20}
    kept = mine.MINE(**few).between(pair)
    assert mine.MINE(**few).between(mapped) == kept
    plain = mine.MINE(margins="standardised", **few)
    assert plain.between(mapped).value != pytest.approx(plain.between(pair).value, abs=1e-3)
    # Beside labels coordinates stay as they are.
    labels = (pair.b[:, 0] > 0).long()
    for one in (pair.a, pair.a.exp()):
        found = [mine.MINE(**few, margins=m).between(Pair(one, labels)) for m in MARGINS]
        assert found[0] == found[1]


def test_split_keeps_halves_apart_and_draws_of_an_input_together():
    split = samples.Split.of(100, 0.3, seed=0)
    parts = [split.train, *split.halves]
    assert [len(part) for part in parts] == [70, 15, 15]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(100))


def test_draws_of_an_input_are_split_together(architecture):
    """T identifies its input at random: a critic could only know held-out inputs if it had
    trained on other draws of them."""
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(60, 1)) * 100  # of inputs, unrelated to their features
    x = rng.normal(size=(60, 3))
    a = np.repeat(codes, 20, axis=0) + rng.normal(size=(1200, 1))
    pair = Pair(torch.tensor(a), torch.tensor(np.repeat(x, 20, axis=0)), n_draws=20)
    found = one(architecture, pair, batch_size=32, width=64)
    # There is nothing to learn; 18 held-out inputs leave a standard error of a few tenths.
    assert found.value < 0.3
    assert found.value + 4 * found.stderr > -0.5


def test_warm_start_carries_weights_to_the_next_epoch(architecture):
    settings = architecture.Settings(**(SMALL | {"warm_start": True, "max_steps": 30}))
    assert architecture(settings).remembers
    assert not architecture().remembers
    pairs = [gaussians(400, 2, 1.5, seed=0)] * 3
    at = [Pair(p.a, p.b, key=("layer", 0, "x"), epoch=e) for e, p in enumerate(pairs)]
    memory = {}
    in_one_call = architecture(settings).between_batch(at[::-1], memory)[::-1]
    assert set(memory) == {("layer", 0, "x")}
    memory = {}
    one_by_one = [architecture(settings).between_batch([pair], memory)[0] for pair in at]
    assert [r.value for r in in_one_call] == pytest.approx([r.value for r in one_by_one])
    # 30 steps from fresh weights are too few; earlier steps are not lost.
    assert in_one_call[2].value > in_one_call[0].value + 0.05
    # An epoch without information keeps the weights of the epoch before.
    weights = memory[at[0].key]
    constant = Pair(torch.ones_like(pairs[0].a), pairs[0].b, key=at[0].key, epoch=3)
    architecture(settings).between_batch([constant], memory)
    assert memory[at[0].key] is weights


def test_first_weights_are_fresh_where_the_width_has_changed():
    settings = mine.MINESettings(**(SMALL | {"warm_start": True, "max_steps": 50}))
    memory = {}
    for d in (2, 3):
        pair = gaussians(200, d, 1.0)
        pair = Pair(pair.a, pair.b, key=("layer", 0, "x"), epoch=d)
        (found,) = mine.MINE(settings).between_batch([pair], memory)
    expected = one(mine.MINE, pair, max_steps=50)
    assert found.value == pytest.approx(expected.value, abs=1e-6)


def test_weights_that_explode_on_the_next_epoch_are_given_up():
    settings = nwj.NWJSettings(**(SMALL | {"warm_start": True, "max_steps": 50}))
    pair = gaussians(200, 2, 1.0)
    pair = Pair(pair.a, pair.b, key=("layer", 0, "x"), epoch=1)
    memory = {}
    nwj.NWJ(settings).between_batch([pair], memory)
    memory[pair.key]["out.bias"] += 1e4  # e^f leaves the range of float64
    (found,) = nwj.NWJ(settings).between_batch([pair], memory)
    assert found.value == pytest.approx(one(nwj.NWJ, pair, max_steps=50).value, abs=1e-6)
    assert "exploded" not in found.flags


class Exploding(mine.MINE):
    """A critic whose loss is NaN from the 100th mini-batch on."""

    n_calls = 0

    def loss(self, scores, state):
        self.n_calls += 1
        loss = super().loss(scores, state)
        return loss if self.n_calls < 100 else loss * math.nan


def test_a_bound_that_explodes_is_flagged_and_the_best_before_kept():
    found = one(Exploding, gaussians(400, 1, 2.0))
    assert found.flags == ("exploded",)
    assert found.extra["steps"] == 100
    assert 0.5 < found.value < 2.5  # after 50 steps, of 2 bits


class Boundless(mine.MINE):
    """A critic whose bound exceeds what the held-out pairs can show."""

    def bound(self, summary):
        value, terms = super().bound(summary)
        return torch.where(value > 0.7, 100.0, value), terms


def scripted(monkeypatch, *evaluations):
    """Held-out bounds of both halves, in nats, at each evaluation; then the last ones."""
    values = [value for halves in evaluations for value in halves]

    def bound(self, half):
        value = values.pop(0) if len(values) > 2 else values[half]
        value = torch.full((1,), value, dtype=torch.float64)
        return value, value.abs(), value

    monkeypatch.setattr(training.Training, "_held_out_bound", bound)


@pytest.mark.parametrize("collapsed", [-7.5e161, -60.0, math.nan, math.inf])
def test_a_collapsed_half_is_not_reported_where_the_other_is_at_its_best(
    monkeypatch, collapsed
):
    scripted(monkeypatch, (0.1, -1e161), (0.2, 0.3), (0.9, collapsed), (0.1, 0.1))
    found = one(mine.MINE, gaussians(100, 1, 1.0))
    assert found.value == pytest.approx(0.25 * BIT)
    assert ("exploded" in found.flags) == (not math.isfinite(collapsed))  # else it recovers


def test_a_bound_that_was_never_sound_is_that_of_a_constant_critic(method, monkeypatch):
    scripted(monkeypatch, (-1e162, -60.0))
    found = one(method, gaussians(100, 1, 1.0))
    assert (found.value, found.stderr) == (0, 0) and found.flags == ("exploded",)


def test_a_bound_above_its_cap_counts_as_exploded():
    found = one(Boundless, gaussians(400, 1, 3.0))
    assert found.flags == ("exploded",)
    assert found.value < 0.7 * BIT + 0.1


def test_too_few_steps_are_flagged():
    pair = gaussians(400, 2, 2.0)
    assert "not_converged" in one(mine.MINE, pair, max_steps=60).flags
    done = one(mine.MINE, pair, max_steps=2000, evaluate_every=25, patience=3)
    assert done.flags == ()


@pytest.mark.parametrize("critic", ["separable", "concat"])
def test_caps_and_bounds_are_said(method, critic):
    pair = gaussians(400, 2, 1.0)
    found = one(method, pair, critic=critic, max_steps=50, contrasts=3, held_out_contrasts=5)
    half = 60  # of 30 % of 400
    n_contrasts = half - 1 if critic == "separable" else 5
    cap = n_contrasts + 1 if method.__name__ == "InfoNCE" else half * n_contrasts
    assert found.cap == pytest.approx(math.log2(cap))
    assert found.value <= found.cap
    assert found.interval.kind == "none"  # a bound on average over samples, not on these
    assert found.stderr > 0


@pytest.mark.parametrize("constant", ["a", "b", "label"])
def test_what_never_varies_holds_no_information(constant):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 2))
    a = np.ones_like(a) if constant == "a" else a
    b = np.ones_like(b) if constant == "b" else b
    b = np.zeros(50, dtype=int) if constant == "label" else b
    found = one(mine.MINE, Pair.of(a, b))
    assert found.value == 0.0
    assert found.flags == ()


def test_too_few_samples_name_the_place():
    rng = np.random.default_rng(0)
    pair = Pair.of(rng.normal(size=(11, 1)), rng.normal(size=(11, 1)), place="layer t, seed 3")
    with pytest.raises(ValueError, match=r"layer t, seed 3: 11 samples are too few"):
        one(mine.MINE, pair)


@pytest.mark.parametrize(("n", "d_a", "d_b"), [(12, 1, 1), (13, 40, 3), (20, 1, 70)])
def test_awkward_shapes_are_answered(architecture, n, d_a, d_b):
    rng = np.random.default_rng(0)
    pairs = [
        Pair.of(rng.normal(size=(n, d_a)), rng.normal(size=(n, d_b))),
        Pair.of(np.ones((n, d_a)) * (np.arange(n) % 2)[:, None], np.arange(n)),  # ties
        Pair.of(rng.normal(size=(n, d_a)), np.repeat(["a", "b"], [1, n - 1])),
    ]
    for pair in pairs:
        found = one(architecture, pair, max_steps=20)
        assert math.isfinite(found.value)


def test_labels_reach_the_information_of_a_channel(method):
    """Y is a noisy copy of A through a symmetric channel: I = 1 − h(0.1) = 0.531 bit."""
    rng = np.random.default_rng(0)
    n, flip = 3000, 0.1
    label = rng.integers(0, 2, n)
    sign = np.where(rng.random(n) < flip, 1 - label, label)
    a = 3.0 * (2 * sign - 1)[:, None] + rng.normal(size=(n, 1)) * 0.2
    found = one(method, Pair.of(a, label), max_steps=400)
    truth = 1 + flip * math.log2(flip) + (1 - flip) * math.log2(1 - flip)
    # SMILE clips nothing here; four standard errors of 900 held-out samples, and 0.02 because
    # training stops after 400 steps
    assert abs(found.value - truth) < 4 * found.stderr + 0.02
    assert found.stderr < 0.06


def test_independent_variables_hold_nothing(method):
    rng = np.random.default_rng(1)
    labels, values = rng.integers(0, 3, 1000), rng.normal(size=(1000, 2))
    pairs = [Pair.of(rng.normal(size=(1000, 2)), b) for b in (labels, values)]
    for found in method(**SMALL).between_batch(pairs):
        # 300 held-out samples; early stopping keeps a critic near zero
        assert abs(found.value) < 4 * found.stderr + 0.02
        assert found.stderr < 0.05


@pytest.mark.slow
def test_gaussians_by_default_settings(method):
    """Within 0.1 bit or 10 %, and three standard errors of the held-out samples."""
    cases = [(1, 1.0), (2, 2.0), (5, 1.0), (5, 3.0)]
    pairs = [gaussians(4096, d, bits, seed=d) for d, bits in cases]
    found = method().between_batch(pairs)
    for (_, bits), record in zip(cases, found, strict=True):
        assert abs(record.value - bits) < max(0.1, 0.1 * bits) + 3 * record.stderr
        assert record.stderr < 0.15
