"""The command list."""

import iqaudit
from iqaudit._cli import options
from iqaudit._cli.printing import lines, print_json, stdout


@options.command("list")
@options.in_output("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")
def list_(*, as_json: bool) -> None:
    """List victims, attacks and defences.

    \b
    Example:
      iqaudit list
    """
    victims, attacks = iqaudit.list_victims(), iqaudit.list_attacks()
    defences = iqaudit.list_defences()
    if as_json:
        print_json({"victims": victims, "attacks": attacks, "defences": defences})
        return
    console = stdout()
    console.print("Victims (--victim)")
    console.print(lines(victims.items()))
    console.print("\nAttacks (--attack)")
    console.print(lines(attacks.items()))
    console.print("\nDefences of a victim (--defence, repeated: in order)")
    console.print(lines(defences.items()))
