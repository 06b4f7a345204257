"""Numbers drawn as images."""

import numpy as np
import pytest
from scipy.special import ndtri

from infoplane.truth import image_pairs, rendered


def tasks_of(**settings):
    return {task.name: task for task in rendered.Rendered(**settings).tasks({})}


def test_numbers_have_the_information_that_their_task_says():
    for truth in (0, 1, 3):
        pair = tasks_of(information=[truth])[f"{truth} bit, numbers"].draw(40_000, 0).pair
        rho = np.corrcoef(pair.a[:, 0], pair.b[:, 0])[0, 1]
        # the standard error of 1 − ρ² is below 1 % of it at 40,000 pairs: 0.014 bit
        assert -0.5 * np.log2(1 - rho**2) == pytest.approx(truth, abs=0.04)


def test_images_are_those_of_the_very_numbers_and_have_their_shape():
    tasks = tasks_of(information=[1], side=12)
    numbers, images = (tasks[f"1 bit, {shown}"].draw(50, 3) for shown in ("numbers", "images"))
    a, b = numbers.pair.a.numpy()[:, 0], numbers.pair.b.numpy()[:, 0]
    np.testing.assert_array_equal(images.pair.a.numpy(), rendered.image(a, 12))
    np.testing.assert_array_equal(images.pair.b.numpy(), rendered.image(b, 12))
    assert images.pair.shapes == ((1, 12, 12), (1, 12, 12))
    assert numbers.pair.shapes == ((), ())
    assert [tasks[name].d_a for name in tasks] == [1, 144, 144]
    moved = tasks["1 bit, moved"].draw(50, 3).pair
    assert moved.shapes == images.pair.shapes
    # the column of a spot is that of its number, its row is not that of the other image's
    columns = [p.a.view(-1, 12, 12).sum(1).argmax(1) for p in (moved, images.pair)]
    assert (columns[0] == columns[1]).all()
    rows = [v.view(-1, 12, 12).sum(2).argmax(1).double() for v in (moved.a, moved.b)]
    # the correlation of 50 independent pairs has a standard deviation of 0.14
    assert len(set(rows[0].tolist())) > 3 and abs(np.corrcoef(*rows)[0, 1]) < 0.5
    again, other = (tasks["1 bit, images"].draw(50, seed).pair for seed in (3, 4))
    assert (again.a == images.pair.a).all() and (again.a != other.a).any()


def test_a_number_can_be_read_from_its_image():
    """The spot's column is the logarithm of the brightness of two pixels, one-to-one in a."""
    values = np.sort(np.random.default_rng(0).standard_normal(500))
    side = 16
    rows = rendered.image(values, side).reshape(-1, side, side)[:, 8].astype(np.float64)
    left, right = rows[:, 7], rows[:, 8]
    scale = (rendered.RADIUS * side) ** 2
    place = 7.5 + scale * np.log(right / left)
    numbers = (place / (side - 1) - rendered.MARGIN) / (1 - 2 * rendered.MARGIN)
    # pixels are float32: seven digits, which the tails of Φ⁻¹ stretch
    np.testing.assert_allclose(ndtri(numbers), values, atol=1e-3)
    assert rows.max() <= 1 and (np.diff(place) > 0).all()


def test_digits_come_with_their_shape_where_that_is_asked_for():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    prepared = {"pixels": rng.integers(0, 256, (120, 784), dtype=np.uint8), "labels": labels}
    chosen = {"classes": [3], "shares": [0.4], "components": [784]}
    shapes = {}
    for maps in (False, True):
        two, label = image_pairs.ImagePairs(**chosen, maps=maps).tasks(prepared)
        shapes[maps] = two.draw(20, 0).pair.shapes, label.draw(20, 0).pair.shapes
    image = (1, 28, 28)
    assert shapes == {
        False: (((), ()), ((), ())),
        True: ((image, image), (image, ())),
    }
