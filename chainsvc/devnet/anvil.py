"""The anvil binary: where it is found, and how it is started.

anvil writes its own state file in place, so that a kill in the middle of a write leaves half a file
and no chain. The devnet therefore saves the chain itself (``state.py``) and trusts anvil's file only with the
states of older blocks. It starts anvil with:

- no interval mining: anvil keeps the hash of every earlier block in each kept state, so that one
  block a second grows memory and disk with the square of the time (112 MB after 1,000 blocks);
- at most ``STATES_KEPT`` old states, the depth to which ``eth_getProof`` reaches back;
- no accounts of its own: whoever needs gas is funded by address (``fund``);
- base fee 0, as on the consortium chain, so that one gas policy fits both.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from chainsvc.devnet.rpc import HOST
from chainsvc.errors import ConfigurationRefused

STATES_KEPT = 256
"""Blocks back from the head whose state can be read and proven."""

_PACKAGE = Path(__file__).resolve().parents[2] / "devnet/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
_HISTORY_SECONDS = "60"


def find_anvil() -> Path:
    """Return the anvil binary: ``CHAINSVC_ANVIL``, else the npm package of ``devnet/``, else the one on PATH.

    Raises:
        ConfigurationRefused: There is none.
    """
    named = os.environ.get("CHAINSVC_ANVIL")
    found = named or (str(_PACKAGE) if _PACKAGE.exists() else shutil.which("anvil"))
    if found is None or not os.access(found, os.X_OK):
        raise ConfigurationRefused(
            "the local devnet needs anvil, and none was found",
            expected="an executable in devnet/node_modules, on PATH, or named by CHAINSVC_ANVIL",
            got=found or "nothing",
            hint="Run 'npm ci --ignore-scripts' in devnet/.",
        )
    return Path(found)


def arguments(binary: Path, port: int, chain_id: int, born: int, begin: Path | None, history: Path) -> Sequence[str]:
    """Return the command line of one anvil.

    Args:
        binary: What to run.
        port: Loopback port.
        chain_id: EIP-155 chain id.
        born: Unix time of the genesis block.
        begin: File with the chain to begin from, if there is one.
        history: File that anvil writes, with the states of older blocks, once a minute and when it ends.
    """
    line = [str(binary), "--quiet", "--host", HOST, "--port", str(port), "--chain-id", str(chain_id)]
    line += ["--hardfork", "paris", "--accounts", "0", "--order", "fifo", "--disable-default-create2-deployer"]
    line += ["--base-fee", "0", "--gas-price", "0", "--timestamp", str(born)]
    line += ["--prune-history", str(STATES_KEPT), "--preserve-historical-states"]
    line += ["--dump-state", str(history), "--state-interval", _HISTORY_SECONDS]
    return line if begin is None else [*line, "--load-state", str(begin)]
