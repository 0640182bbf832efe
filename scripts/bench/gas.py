"""Gas, as the committed table has it; ``scripts/gas.py`` measures it."""

import json

from bench.figures import Fact
from chainsvc.chain.artifacts import artifacts_folder


def gas() -> list[Fact]:
    """Return the gas of an anchor call and of a record in it, by entries of the batch."""
    table = json.loads((artifacts_folder() / "gas.json").read_text())
    return [
        Fact(f"{policy}, gas a {noun}", {f"{int(entries):,}": cost[noun] for entries, cost in found["steady"].items()})
        for policy, found in table["anchor"].items()
        for noun in ("call", "record")
    ]
