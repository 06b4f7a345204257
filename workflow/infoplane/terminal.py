"""What a program here says on a terminal of any encoding."""

import sys


def use_any_encoding() -> None:
    """Write σ as \\u03c3 where standard output's encoding has none, in place of an error."""
    sys.stdout.reconfigure(errors="backslashreplace")
