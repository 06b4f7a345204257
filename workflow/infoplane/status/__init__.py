"""The state of experiments: the content of results/ compared with a configuration.

`python -m infoplane.status` prints it. `experiment` reads attributes, flags and file times,
never a whole store; `show` makes the text.
"""

from infoplane.status.experiment import Status, Wanted, status_of
from infoplane.status.show import text

__all__ = ["Status", "Wanted", "status_of", "text"]
