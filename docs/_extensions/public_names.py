"""Links to public names from signatures, which spell them by the modules that define them."""

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


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for names that were not found."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}
