"""Deploy the contracts to a chain and write the network's two files.

    python scripts/deploy.py --node http://127.0.0.1:8545 --account keys/service.account --name "Example network" \
        --checkpoint-signer "$(cat checkpoint.vkey)" --out networks/example

writes ``network.json``, the descriptor that verifiers pin, and ``deployment.json``, a record of addresses,
constructor arguments, transactions, blocks and code hashes. An encrypted keystore needs its password file too.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from chainsvc.chain.deploy import ADMIN_DELAY, LONGEST_DEADLINE, deploy
from chainsvc.chain.engines import ENGINES, engine_of
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.signer import KeyFileSigner, KeystoreSigner, Signer
from chainsvc.errors import ChainsvcError
from chainsvc.note import VerifierKey


def main() -> int:
    """Deploy; return 0, or the error's exit status."""
    options = _options()
    try:
        deployment = deploy(
            HttpNode(options.node),
            _signer(options),
            engine_of(options.engine, finality=options.finality, block_time=options.block_time),
            name=options.name,
            checkpoint_signers=[VerifierKey.parse(key) for key in options.checkpoint_signer],
            admin_delay=options.admin_delay,
            longest_deadline=options.longest_deadline,
        )
    except ChainsvcError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "network.json").write_bytes(deployment.network.to_bytes())
    (options.out / "deployment.json").write_text(json.dumps(deployment.to_json(), indent=2) + "\n")
    print(f"network {deployment.network.network_id.hex()}, descriptor SHA-256 {deployment.network.sha256.hex()}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Deploy the contracts and write the network's descriptor.")
    parser.add_argument("--node", required=True, help="JSON-RPC address of a node")
    parser.add_argument("--engine", default="anvil", choices=sorted(ENGINES), help="kind of chain")
    parser.add_argument(
        "--finality", type=_finality, help="block, confirmations:N or finalized, in place of the engine's own"
    )
    parser.add_argument("--block-time", type=int, help="usual seconds between blocks, in place of the engine's")
    parser.add_argument("--account", type=Path, required=True, help="key file of mode 0600, or encrypted keystore")
    parser.add_argument("--password", type=Path, help="password file of an encrypted keystore")
    parser.add_argument("--name", required=True, help="the network's name for people")
    parser.add_argument("--checkpoint-signer", action="append", default=[], help="vkey; may be repeated")
    parser.add_argument("--admin-delay", type=int, default=ADMIN_DELAY, help="seconds")
    parser.add_argument("--longest-deadline", type=int, default=LONGEST_DEADLINE, help="seconds")
    parser.add_argument("--out", type=Path, required=True, help="folder for network.json and deployment.json")
    return parser.parse_args()


def _finality(text: str) -> str:
    if not re.fullmatch(r"block|finalized|confirmations:[1-9][0-9]{0,4}", text):
        raise argparse.ArgumentTypeError(f"not a rule of finality: {text}")
    return text


def _signer(options: argparse.Namespace) -> Signer:
    if options.password is None:
        return KeyFileSigner.from_file(options.account)
    return KeystoreSigner.from_files(options.account, options.password)


if __name__ == "__main__":
    sys.exit(main())
