"""Linear layers under noise: determinants against a computation by joint covariances."""

import numpy as np
import pytest
from scipy import stats

from infoplane.estimators import sp
from infoplane.samples import BIT
from infoplane.truth.linear_gaussian import smooth_images
from infoplane.truth.linear_layers import LinearLayers
from infoplane.truth.run import run

SETTINGS = {"dense": [(5, 3)], "maps": [(2, 4)], "length": 0.7, "scales": [0.5, 2.0]}
LAYERS = LinearLayers(**SETTINGS).layers()


def names(layer):
    return layer.name


@pytest.mark.parametrize("layer", LAYERS, ids=names)
def test_information_with_x_is_that_of_the_joint_covariance(layer):
    x, t = layer.root, layer.matrix
    noise = layer.sigma**2 * np.eye(len(t))
    joint = np.block([[x @ x.T, x @ t.T], [t @ x.T, t @ t.T + noise]])
    parts = (np.linalg.slogdet(m)[1] for m in (x @ x.T, t @ t.T + noise, joint))
    of_x, of_t, of_both = parts
    assert layer.about_x() == pytest.approx(BIT * (of_x + of_t - of_both) / 2, rel=1e-8)


@pytest.mark.parametrize("layer", LAYERS, ids=names)
def test_information_with_y_is_what_the_best_prediction_knows(layer):
    """Y by its sign, from draws; the prediction by the covariance of T and U."""
    draw = layer.draw("labels", 40_000, 0)
    t, y = draw.pair.a.numpy(), draw.pair.b.numpy()
    covariance = layer.matrix @ layer.matrix.T + layer.sigma**2 * np.eye(layer.d)
    weights = np.linalg.solve(covariance, layer.matrix @ layer.direction)
    known = weights @ layer.matrix @ layer.direction
    p = stats.norm.cdf(t @ weights / np.sqrt(1 - known))
    terms = 1 + np.log2(np.where(y == 1, p, 1 - p))
    assert abs(terms.mean() - layer.about_y()) < 4 * terms.std() / np.sqrt(len(terms))


def test_draws_have_the_noise_the_shapes_and_the_smoothness():
    layer = LAYERS[-1]
    draw = layer.draw("continuous", 20_000, 0)
    noise = (draw.noisy.t - draw.noisy.centres).numpy()
    assert noise.std() == pytest.approx(1, rel=4 / np.sqrt(2 * noise.size))
    assert draw.pair.shapes == ((2, 4, 4), (1, 4, 4)) and draw.noisy.shape == (2, 4, 4)
    assert np.square(draw.samples.t.numpy()).mean() == pytest.approx(4, rel=0.05)
    pixels = draw.pair.b.numpy()
    root = smooth_images(4, 0.7)
    assert np.abs(np.cov(pixels.T) - root @ root.T).max() < 0.06  # 6 sd of a covariance
    beside = np.corrcoef(pixels[:, 0], pixels[:, 1])[0, 1]
    assert beside == pytest.approx(np.exp(-1 / (2 * 0.49)), abs=0.03)


def test_sample_propagation_sees_what_inputs_can_tell():
    """Far below log2 n the measured inputs know as much as all there are."""
    tasks = LinearLayers(dense=[(4, 2)], maps=[], scales=[0.4]).tasks({})
    table = run("sp", sp.SP(), "linear_layers", tasks, [4000], 1)
    assert len(table) == 2 and (table.refused == "").all()
    assert ((table.value - table.truth).abs() < 0.05).all()
