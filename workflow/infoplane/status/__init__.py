"""The state of experiments: the content of results/ compared with a configuration.

`python -m infoplane.status` prints it. `experiment` looks, `show` makes the text of it; both
read attributes, flags and file times, never a whole store.
"""

from infoplane.status.experiment import Status, Wanted, status_of
from infoplane.status.show import text

__all__ = ["Status", "Wanted", "status_of", "text"]
