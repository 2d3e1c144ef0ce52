"""The site's settings: `make docs` builds it, offline, with warnings as errors."""

import sys
from pathlib import Path

import iqaudit

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "iqaudit"
author = "The iqaudit developers"
copyright = author  # noqa: A001 - Sphinx's name
release = version = iqaudit.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autosummary",
    "command_line",
    "public_names",
]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore_regex = [
    # Other libraries' names, whose documentation is not on this machine, and private ones.
    (r"py:.*", r"(?!iqaudit\.).*|iqaudit\.(\w+\.)*_\w.*"),
]
default_role = "py:obj"  # a docstring's `name` is code, and a link where it is public
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

autosummary_ignore_module_all = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 90  # longer ones have a line a parameter

html_theme = "pydata_sphinx_theme"
html_title = "iqaudit"
html_sidebars: dict[str, list[str]] = {
    "index": [],
    "start": [],
    "contributing": [],
}  # pages without siblings
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navbar_align": "left",
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "header_links_before_dropdown": 6,
}
