"""How `make docs` builds the pages: no page of the result asks another host for anything."""

import os
from importlib import metadata
from pathlib import Path

from docutils import nodes

ROOT = Path(__file__).resolve().parents[1]
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])  # for executed examples

project = "surrogates"
author = "the surrogates developers"
release = version = metadata.version("surrogates")
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["build"]
GALLERY = ROOT / "build" / "with"  # holds gallery/, which `make docs` writes
html_extra_path = [str(GALLERY)] if GALLERY.is_dir() else []
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
html_theme = "pydata_sphinx_theme"
html_title = "surrogates"
html_show_sourcelink = False
html_math_renderer = "plain"
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_context = {"default_mode": "auto"}


def setup(app):
    """Formulas stand as they are written: the default renderer loads a script from another host."""

    def written(translator, node):
        translator.body.append(f"<code>{translator.encode(node.astext())}</code>")
        raise nodes.SkipNode

    app.add_html_math_renderer("plain", (written, None), (written, None))
