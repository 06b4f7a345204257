"""What estimators declare of themselves, in one record and nowhere else."""

from types import ModuleType

import numpy as np
import pytest

import infoplane
from infoplane.estimators import ESTIMATORS
from infoplane.estimators.traits import FORMER, Traits, traits_of
from infoplane.figures import FIGURES

CLUSTERS = np.random.default_rng(0).normal(size=(200, 2)) + 20 * (np.arange(200) % 2)[:, None]


def module(**names):
    made = ModuleType("mine")
    vars(made).update(names)
    return made


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_declares_its_traits_in_one_record(name):
    one = ESTIMATORS[name]
    traits = traits_of(one)
    assert not FORMER & vars(one).keys()
    assert traits.quantity <= set(one.Settings.model_fields)
    assert set(traits.figures) <= set(FIGURES)
    assert traits.exact == (name == "exact")


def test_an_estimator_that_was_never_tested_says_so():
    """A matrix size in `compressed` was once read as "exact, needs no test"."""
    found = infoplane.estimate(CLUSTERS, np.arange(200) % 2, estimator="compressed", k=10)
    assert "outside_tested_regime" in found.flags


def test_traits_are_those_of_the_record_or_of_most_estimators():
    assert traits_of(module()) == Traits()
    assert traits_of(module(TRAITS=Traits(trains=True))).trains
    assert traits_of(module(TRAITS=Traits(), EXACT=1024)) == Traits()  # a constant of its own


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"EXACT": 1024}, r"mine: EXACT is not read; .*Traits\(exact=…\)"),
        ({"TRAINS": True, "FIGURES": ()}, "mine: FIGURES, TRAINS is not read"),
        ({"TRAITS": {"exact": True}}, r"mine: TRAITS must be .*Traits, not \{'exact': True\}"),
    ],
)
def test_a_declaration_that_would_be_misread_is_refused(names, said):
    with pytest.raises(TypeError, match=said):
        traits_of(module(**names))


@pytest.mark.parametrize("wrong", [{"exact": 1024}, {"quantity": {"k"}}, {"figures": "plane"}])
def test_a_trait_of_another_type_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(TypeError, match=f"{name} of Traits must be of type"):
        Traits(**wrong)
