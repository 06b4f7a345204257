"""Widths of calibrated intervals on the families of problems that the first trial had.

    python benchmark/widths.py                 all estimators, some minutes of CPU time
    python benchmark/widths.py mine infonce    these

Later families are harder, and widths over all problems are no comparison with the first trial.
Each interval is from the test of infoplane/truth/calibrate.py: of a fit, with its margin, that
has not seen the family. Groups of variables for which the estimator is not calibrated have
none.
"""

import argparse

import pandas as pd

from infoplane.truth import calibrate, coverage, shipped

FIRST = (
    "gaussians",
    "mixtures",
    "beyond_normal",
    "high_information",
    "channels",
    "quantised",
    "tables",
    "image_pairs",
)
"""The families of the calibration page at the time of the first trial."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("estimators", nargs="*")
    asked = parser.parse_args().estimators
    values = calibrate.values_of(shipped.read(shipped.ERRORS))
    table = coverage.read()
    calibrated = set(table[table.calibrated].groupby(["estimator", "kind"]).groups)
    print("| estimator | values | with an interval | contain the truth | median width, bits |")
    print(5 * "|---" + "|")
    for name, of in values.groupby("estimator", sort=False):
        if asked and name not in asked:
            continue
        kinds = [part for kind, part in of.groupby("kind") if (name, kind) in calibrated]
        if not kinds:
            continue
        tested = pd.concat([calibrate.tested(part) for part in kinds])
        there = tested[tested.given & tested.family.isin(FIRST)]
        n, width = of.family.isin(FIRST).sum(), (there.high - there.low).median()
        shares = f"{len(there) / n:.0%} | {there.inside.mean():.0%}".replace("%", " %")
        print(f"| `{name}` | {n} | {shares} | {width:.2f} |", flush=True)


if __name__ == "__main__":
    main()
