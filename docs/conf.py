"""Sphinx: `make docs` builds the site in docs/_build/html, and fails on every warning."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "workflow"), str(HERE / "_sphinx")]

import infoplane  # noqa: E402 — found by the lines above

project = "infoplane"
author = copyright = "the infoplane developers"
version = release = infoplane.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "docstrings", "public", "settings_pages"]
exclude_patterns = ["_build", "_sphinx"]
default_role = "code"

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say shapes, which types cannot
autodoc_class_signature = "separated"

html_theme = "furo"
html_title = f"infoplane {version}"
html_static_path = ["_static"]
html_css_files = ["infoplane.css"]
html_copy_source = False
html_show_sphinx = False
