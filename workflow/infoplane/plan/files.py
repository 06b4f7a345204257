"""All paths of an experiment's files, one function per stage. No other module knows a path.

A missing name stays a wildcard: `files.weights()` is a pattern, and `files.weights("tanh",
"seeds-0-9")` is one file of it.
"""

from pathlib import Path

from infoplane.stores.archive import SUFFIX, name_of


class Files:
    """Paths of an experiment's results, as texts. home : the folder of all results."""

    def __init__(self, home: str | Path):
        self.home = str(home)

    def run(self, run: str = "{run}") -> str:
        """The folder of a run."""
        return f"{self.home}/runs/{run}"

    def dataset(self, dataset: str = "{dataset}") -> str:
        """A prepared data set."""
        return f"{self.home}/datasets/{dataset}{SUFFIX}"

    def weights(self, run: str = "{run}", seeds: str = "{seeds}") -> str:
        """Weights of a block of seeds."""
        return f"{self.run(run)}/weights/{seeds}{SUFFIX}"

    def blocks_of_weights(self, run: str) -> list[str]:
        """Names of the blocks of seeds whose weights exist under a run's name."""
        stores = Path(self.run(run), "weights").glob(f"seeds-*{SUFFIX}")
        return [name_of(store) for store in stores]

    def activations(self, run: str = "{run}", seeds: str = "{seeds}") -> str:
        """Activations that a run's estimators share."""
        return f"{self.run(run)}/activations/{seeds}{SUFFIX}"

    def information(
        self, run: str = "{run}", estimator: str = "{estimator}", seeds: str = "{seeds}"
    ) -> str:
        """An estimator's values for a block of seeds."""
        return f"{self.run(run)}/information/{estimator}/{seeds}{SUFFIX}"

    def part(
        self,
        run: str = "{run}",
        estimator: str = "{estimator}",
        seeds: str = "{seeds}",
        part: str = "{part}",
    ) -> str:
        """One part of these, if several jobs make them."""
        return self.information(run, estimator, f"{seeds}.part-{part}")

    def pooled(
        self, run: str = "{run}", pool: str = "{pool}", estimator: str = "{estimator}"
    ) -> str:
        """An estimator's values for a pool."""
        return f"{self.run(run)}/pooled/{pool}/{estimator}{SUFFIX}"

    def figures(self, run: str | None = None) -> str:
        """The folder of a run's figures, or of the figures of several runs."""
        return f"{self.run(run) if run else self.home}/figures"

    def checks(self, run: str = "{run}") -> str:
        """The folder of a run's lists of violations, one per estimator."""
        return f"{self.run(run)}/checks"

    def drawn(self, run: str | None = None, selection: str = "{selection}") -> str:
        """The note that a selection of figures was drawn."""
        return f"{self.run(run) if run else self.home}/.drawn/{selection}"

    def trained(self, family: str = "{family}", part: str = "{part}") -> str:
        """The note that the networks of a part of a family were trained."""
        return f"{self.home}/compare/{family}/trained/{part}.json"

    def selection(self, family: str = "{family}") -> str:
        """The epochs at which networks of a family are compared."""
        return f"{self.home}/compare/{family}/epochs.json"

    def signals(self, family: str = "{family}", part: str = "{part}") -> str:
        """Signals of a part of a family's networks."""
        return f"{self.home}/compare/{family}/signals/{part}{SUFFIX}"

    def compared(self, name: str, ending: str = "csv") -> str:
        """A table of all families (networks, scores, collapsed), or the file with its
        recipe."""
        return f"{self.home}/compare/{name}.{ending}"

    @property
    def figures_of_families(self) -> str:
        """The folder of the figures of all families."""
        return f"{self.home}/compare/figures"

    @property
    def figures_of_claims(self) -> str:
        """The folder of the figures of all claims."""
        return f"{self.home}/claims/figures"

    def audited(self, run: str = "{run}", estimator: str = "{estimator}") -> str:
        """An estimator's values for a run's layers in other coordinates."""
        return self.of_audit(f"values/{run}/{estimator}.json")

    def of_audit(self, name: str) -> str:
        """A table of the whole audit, or the file with its recipe."""
        return f"{self.home}/audit/{name}"

    @property
    def figures_of_audit(self) -> str:
        """The folder of the audit's figure."""
        return self.of_audit("figures")

    @property
    def report(self) -> str:
        """The experiment's page."""
        return f"{self.home}/report.html"

    def table(self, name: str, ending: str = "csv") -> str:
        """A whole table of the page, or its settings."""
        return f"{self.home}/tables/{name}.{ending}"
