"""Block 0 of a consortium, and what makes a fresh validator of it."""

import json
import os
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.geth import run
from chainsvc.files import whole

GAS_LIMIT = 30_000_000
"""Of a block, as on the local devnet."""

_EPOCH = 30_000  # blocks between lists of validators in headers, the engine's default
_VANITY, _SEAL = 32, 65  # bytes around the first list of validators
_PREFUNDED = 10**36  # wei of each validator's account, from which the devnet funds others
_FORKS = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg", "istanbul")
_LATER_FORKS = ("berlin", "london")  # and no more: with Shanghai several validators never agree on block 1


def found(consortium: Consortium, geth: Path) -> None:
    """Make keys and block 0; each consortium's block 0 is another one. What a killed run left of them goes.

    Raises:
        ConfigurationRefused: geth failed.
    """
    forget(consortium)
    with ThreadPoolExecutor() as together:
        list(together.map(lambda one: _make_keys(one, geth), consortium.validators))
    with whole(consortium.genesis) as beside:
        beside.write_text(json.dumps(genesis_of(consortium), indent=1) + "\n")


def prepare(consortium: Consortium, validator: Validator, geth: Path) -> None:
    """Write a validator's configuration, and block 0 into its database where it has none.

    Raises:
        ConfigurationRefused: geth failed.
    """
    _write_config(consortium, validator)
    if not validator.database.exists():
        line = ["--datadir", str(validator.folder), "--state.scheme", "hash", "init", str(consortium.genesis)]
        run(geth, line)


def wipe(validator: Validator) -> None:
    """Delete a stopped validator's chain and state, not its keys: the next start learns all from its peers."""
    for name in ("chaindata", "lightchaindata", "triecache", "nodes", "transactions.rlp"):
        path = validator.database.parent / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def forget(consortium: Consortium) -> None:
    """Delete keys, block 0, chains and logs of stopped validators; the next start is another network."""
    consortium.genesis.unlink(missing_ok=True)
    for one in consortium.validators:
        shutil.rmtree(one.folder, ignore_errors=True)
        one.log.unlink(missing_ok=True)


def genesis_of(consortium: Consortium) -> dict[str, Any]:
    """Return block 0 as geth reads it; its vanity bytes are random, so that no two are the same."""
    addresses = sorted(one.address for one in consortium.validators)
    extra = os.urandom(_VANITY) + b"".join(addresses) + bytes(_SEAL)
    forks = {f"{name}Block": 0 for name in (*_FORKS, *_LATER_FORKS)}
    return {
        # no terminalTotalDifficulty: with one, nothing is sealed or the chain ends there
        "config": {"chainId": consortium.chain_id} | forks | {"clique": {"period": consortium.period, "epoch": _EPOCH}},
        "timestamp": "0x0",  # block 1 takes the present time
        "difficulty": "0x1",
        "gasLimit": hex(GAS_LIMIT),
        "baseFeePerGas": "0x0",
        "extraData": f"0x{extra.hex()}",
        "alloc": {f"0x{address.hex()}": {"balance": hex(_PREFUNDED)} for address in addresses},
    }


def _make_keys(validator: Validator, geth: Path) -> None:
    validator.folder.mkdir(parents=True, exist_ok=True)
    validator.make_node_key()
    password = validator.folder / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_hex(16) + "\n")
    run(geth, ["account", "new", "--datadir", str(validator.folder), "--password", str(password), "--lightkdf"])


def _write_config(consortium: Consortium, validator: Validator) -> None:
    """Name the peers as trusted ones and let few others in: only so does geth follow a longer chain at once.

    With fewer than ``maxpeers`` peers it begins to synchronize only every ten seconds, and it takes in trusted ones
    beyond that number.
    """
    peers = json.dumps(consortium.peers_of(validator))
    lines = [
        "[Node.P2P]",
        f'ListenAddr = "127.0.0.1:{validator.p2p}"',  # the command line's --port would listen everywhere
        "NoDiscovery = true",
        f"StaticNodes = {peers}",
        f"TrustedNodes = {peers}",
        "DialRatio = 1",
    ]
    with whole(validator.folder / "config.toml") as beside:
        beside.write_text("\n".join(lines) + "\n")
