"""Output on terminals of any encoding."""

import sys


def use_any_encoding() -> None:
    """Write σ as \\u03c3, instead of failing, if the encoding of standard output has no σ."""
    sys.stdout.reconfigure(errors="backslashreplace")
