"""Images cut out anew and mirrored."""

import pytest
import torch

from infoplane.streams import of_training as source
from infoplane.training.augment import Settings, augmented, draw


def test_augmented_images_are_shifted_and_mirrored_parts_of_the_padded_ones():
    x = torch.arange(1.0, 2 * 40 * 24 + 1).view(2, 40, 2, 3, 4)
    settings = Settings(crop=2, flip=True)
    drawn = draw(settings, 40, [source(1), source(2)], "cpu")
    padded = torch.nn.functional.pad(x, [2, 2, 2, 2])
    found = augmented(x, settings, drawn)
    for s in range(2):
        for i in range(40):
            row, column = drawn.shift[s, i].tolist()
            expected = padded[s, i, :, row : row + 3, column : column + 4]
            if drawn.flip[s, i]:
                expected = expected.flip(2)
            assert torch.equal(found[s, i], expected)
    assert drawn.flip.float().mean() == pytest.approx(0.5, abs=0.2)
    assert sorted(drawn.shift.unique().tolist()) == [0, 1, 2, 3, 4]


def test_what_is_drawn_depends_on_the_seed_alone():
    settings = Settings(crop=1)
    both = draw(settings, 9, [source(1), source(2)], "cpu")
    alone = draw(settings, 9, [source(2)], "cpu")
    assert torch.equal(both.shift[1:], alone.shift)
    assert not both.flip.any()
    assert torch.equal(both.rows(3, 5).shift, both.shift[:, 3:5])
