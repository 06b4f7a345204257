"""Memory and time of every kind of job, before it runs: what a scheduler has to be told.

    cost.py       what a job will need, and what it asks for
    training.py   a training
    measuring.py  activations, estimates, pools
    small.py      data sets, figures, the calibration page
    plan.py       all jobs of an experiment by their names

All of them give a `Cost`, the expected peak of memory and seconds; `request` adds the margins.
What single layers cost, estimators.tables.costs has measured.
`python -m infoplane.costs <experiment file>` puts what the jobs of an experiment ask for beside
what their benchmark files recorded.
"""

from infoplane.costs.cost import Cost, Request, request

__all__ = ["Cost", "Request", "request"]
