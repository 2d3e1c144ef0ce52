"""Public names in signatures: links from the modules that define them, and short names of types."""

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

import iqaudit
import iqaudit.testing

PACKAGES = (
    iqaudit,
    iqaudit.attacks,
    iqaudit.victims,
    iqaudit.datasets,
    iqaudit.measures,
    iqaudit.testing,
)


ENGINE = re.compile(r"Callable\[\[\S*Path,.*?Generator\[tuple\[str, str\][^\]]*\]\]")
"""The type of an engine, spelled out."""


def public(path: str) -> str | None:
    """Return the documented path of a private one, or of a bare name; None where there is none."""
    name = path.rpartition(".")[2]
    for package in PACKAGES:
        value = getattr(package, name, None) if name in package.__all__ else None
        if value is not None and path in {name, f"{getattr(value, '__module__', '')}.{name}"}:
            return f"{package.__name__}.{name}"
    return None


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.Node | None:
    """Return the link of a name that Python's domain did not find."""
    path = public(node.get("reftarget", ""))
    if node.get("refdomain") != "py" or path is None:
        return None
    domain = env.domains.python_domain
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", path, node, text)


def shorten(
    app: Sphinx,  # noqa: ARG001
    what: str,  # noqa: ARG001
    name: str,  # noqa: ARG001
    value: object,  # noqa: ARG001
    options: object,  # noqa: ARG001
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Return a signature with the type of an engine by its name."""
    return signature and ENGINE.sub("Engine", signature), returned


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for names that were not found, and for signatures."""
    app.connect("missing-reference", resolve)
    app.connect("autodoc-process-signature", shorten)
    return {"parallel_read_safe": True}
