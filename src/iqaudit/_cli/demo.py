"""The command demo."""

import sys
from pathlib import Path

from iqaudit._api.settings import attack_settings
from iqaudit._audit.settings import SETTINGS
from iqaudit._cli import options
from iqaudit._cli.attack import out_option, run_cell


@options.command()
@options.setting(
    SETTINGS["queries"],
    single=True,
    default=None,
    show_default=False,
    help="Query budget per picture.  [default: about three minutes on two cores]",
)
@options.setting(SETTINGS["seeds"], single=True)
@out_option(default="iqaudit-demo", show_default=True, help="Directory to write.")
@options.overwrite
@options.output
def demo(
    *, out: Path, queries: int | None, seed: int, overwrite: bool, output: options.Output
) -> None:
    """Attack the bundled victim on eight photographs, with the paper's attack at 3/255.

    \b
    Examples:
      iqaudit demo
      iqaudit demo --queries 50 --out quick
    """
    from iqaudit.datasets import _demo  # scikit-image's pictures take a second to load

    budget = _demo.QUERIES if queries is None else queries
    spec = attack_settings(_demo.pictures(), "reference", queries=budget, seed=seed)
    if code := run_cell(spec, out, output, overwrite=overwrite):
        sys.exit(code)
