"""Why a value has no interval: each reason appears in its case."""

import json

import numpy as np

import infoplane
from infoplane.estimators import ESTIMATORS, from_written
from infoplane.estimators.interface import LayerEstimator
from infoplane.estimators.tables import calibration
from infoplane.information import Information, LayerInformation
from infoplane.samples import Samples

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1200, 2))
T = 0.8 * X + 0.6 * RNG.standard_normal(X.shape)
Y = (X[:, 0] > 0).astype(int)
NOISY = {"centres": 0.8 * X, "sigma": 0.6}


def whys(estimator, t=T, y=Y, settings=(), **given):
    found = infoplane.estimate(t, y, estimator=estimator, **dict(settings), **given)
    for one in found[:2]:
        assert (one.interval.kind == "none") == (one.why_none != "")
    return found.ixt.why_none, found.ity.why_none


def test_reasons_of_layers():
    assert whys("ksg", x=X) == ("infinite", "")
    assert whys("ksg", x=X, **NOISY) == ("", "")
    assert whys("ksg") == ("no_value", "")  # needs x
    few = slice(300)
    assert whys("ksg", T[few], Y[few], x=X[few]) == ("infinite", "samples")
    wide = RNG.standard_normal((1200, 700))
    assert whys("ksg", wide, x=X) == ("infinite", "dimensions")
    assert whys("ksg", settings={"k": 9}, x=X, **NOISY) == ("settings", "settings")
    draws = np.stack([T, T + 0.1], axis=1)
    assert whys("ksg", draws, x=X, draws=True) == ("draws", "draws")
    assert whys("mine", settings={"width": 4, "max_steps": 20}) == ("no_value", "settings")
    quick = {"n_batches": 1, "batch_size": 64}
    assert whys("renyi", settings=quick, x=X) == ("not_tested", "not_tested")


def test_reasons_of_counts():
    assert whys("binned") == whys("exact") == ("sample", "sample")
    assert whys("binned", whole=True) == whys("exact", whole=True) == ("", "")
    corrected = {"correction": "miller_madow"}
    assert whys("binned", settings=corrected, whole=True) == ("corrected", "corrected")
    assert whys("kde") == ("", "")
    few = {"components": 200, "max_samples": 1024, "target": 1.0}
    assert whys("sp", settings=few, **NOISY) == ("", "components")
    assert whys("sp") == ("no_value", "no_value")


def test_reasons_of_pairs():
    def why(estimator, a=T, b=X, **settings):
        return infoplane.mutual_information(a, b, estimator=estimator, **settings).why_none

    assert why("ksg") == "" and why("kde") == "sample" and why("ksg", k=9) == "settings"
    assert why("ksg", T[:200], X[:200]) == "samples"
    assert why("ksg", 1e3 * X, X) == "above" and why("ksg", T.round(1), X) == "constant"


def test_an_own_estimator_was_never_tested():
    class Own(LayerEstimator):
        def estimate(self, samples):
            return LayerInformation(Information(1.0), Information(0.5))

    (found,) = Own(estimator="own").session()([Samples.of(T, Y)])
    assert found.ixt.why_none == found.ity.why_none == "not_tested"


def test_what_failed_its_test_says_by_how_much():
    """Records and attributes of stores agree with the shipped table."""
    failures = [row for row in calibration.failed() if row.estimator in ("lga", "sliced")]
    for row in failures:
        failed = from_written({"estimator": row.estimator, **json.loads(row.settings)})
        assert calibration.known(failed).why[row.kind] == "not_calibrated"
        assert f"{row.kind}: {row.why}" in failed.statements()["not_calibrated"]
    assert failures and not ESTIMATORS["ksg"]().statements()["not_calibrated"]
