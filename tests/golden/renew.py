"""``make golden`` writes the golden tables anew; ``git diff tests/golden`` shows what changed."""

from __future__ import annotations

import sys

from golden.tables import account_tables, head_table, model_in, neuron_table, write


def main() -> None:
    """Take and write every table; takes half a minute."""
    model = model_in()
    for table in (head_table(model), neuron_table(model), *account_tables(model)):
        sys.stdout.write(f"{write(table)}\n")


if __name__ == "__main__":
    main()
