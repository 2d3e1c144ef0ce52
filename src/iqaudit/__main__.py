"""``python -m iqaudit``: the command line."""

from iqaudit._cli import main

if __name__ == "__main__":
    main(prog_name="iqaudit")
