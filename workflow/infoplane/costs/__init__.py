"""Memory and time of every kind of job, before it runs: what a scheduler has to be told.

    table.py      what an estimator was measured to need, between and beyond the sizes measured
    training.py   a training
    measuring.py  activations, estimates, pools
    small.py      data sets, figures, the calibration page
    plan.py       all jobs of an experiment by their names
    request.py    from what a job will need to what it asks for

All of them give a `Cost`, the expected peak of memory and seconds; `request.request` adds the
margins. `python -m infoplane.costs <experiment file>` puts what the jobs of an experiment ask
for beside what their benchmark files recorded.
"""

from infoplane.costs.cost import Cost
from infoplane.costs.request import Request, request

__all__ = ["Cost", "Request", "request"]
