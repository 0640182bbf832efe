import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.chain import Chain

from chainsvc.chain.deploy import KINDS, contract_address, deploy
from chainsvc.chain.engines import ANVIL
from chainsvc.chain.identity import check_network
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.errors import NetworkMismatch, NodeUnavailable
from chainsvc.network import Contract, Network, Slots
from chainsvc.schemas import all_schemas

pytestmark = pytest.mark.node

ROOT = Path(__file__).resolve().parents[3]


def test_node_fits_the_descriptor_after_a_round_trip(chain: Chain) -> None:
    network = Network.parse(chain.deployment.network.to_bytes())
    assert network == chain.deployment.network
    check_network(chain.node, network)


def test_every_kind_has_its_policy_on_chain_and_in_the_descriptor(chain: Chain) -> None:
    by_name = {contract.name: contract.address for contract in chain.deployment.contracts}
    for kind, name in KINDS.items():
        assert chain.ledgers(kind).address == by_name[name] == chain.institutions.policy_of(kind)


def test_deployer_is_registrar_and_deadline_is_as_asked(chain: Chain) -> None:
    assert chain.institutions.is_registrar(chain.signer.address)
    assert not chain.institutions.is_registrar(bytes(20))
    assert chain.institutions.longest_deadline() == 172_800


def test_descriptor_pins_slots_and_schemas(chain: Chain) -> None:
    network = chain.deployment.network
    assert network.slots == Slots(state=0, heads=1, words=2, meta=3, budget=4, keys=0)
    assert network.schemas == {name: schema.sha256 for name, schema in all_schemas().items()}
    assert (network.engine.name, network.engine.finality, network.time.tolerance) == ("anvil", "block", 5)


OTHER = b"\x07" * 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: {"chain_id": n.chain_id + 1}, "chain id"),
        (lambda _: {"genesis": OTHER}, "genesis block"),
        (lambda _: {"network_id": OTHER}, "network id"),
        (lambda n: {"institutions": Contract(n.institutions.address, OTHER)}, "code at"),
        (lambda n: {"institutions": replace(n.ledgers[0])}, "register"),
        (lambda n: {"ledgers": (replace(n.ledgers[0], address=b"\x05" * 20), *n.ledgers[1:])}, "code at 0505"),
    ],
)
def test_each_difference_is_a_mismatch_that_names_it(chain: Chain, change: Any, message: str) -> None:
    network = chain.deployment.network
    with pytest.raises(NetworkMismatch, match=message) as caught:
        check_network(chain.node, replace(network, **change(network)))
    assert caught.value.expected != caught.value.got


def test_second_deployment_is_another_network(chain: Chain) -> None:
    other = deploy(chain.node, chain.signer, ANVIL, name="Second", checkpoint_signers=[])
    assert other.network.network_id != chain.deployment.network.network_id
    mixed = replace(other.network, network_id=chain.deployment.network.network_id)
    with pytest.raises(NetworkMismatch) as caught:
        check_network(chain.node, mixed)
    assert caught.value.expected == chain.deployment.network.network_id.hex()
    assert caught.value.got == other.network.network_id.hex()


def test_contract_address_is_that_of_a_known_creation() -> None:
    # the first contract of ganache's well-known first account
    deployer = bytes.fromhex("90f8bf6a479f320ead074411a4b0e7944ea8c9c1")
    assert contract_address(deployer, 0).hex() == "e78a0f7e598cc8b0bb87894b0f60dd2a88d6a8ab"


def run_script(*arguments: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, str(ROOT / "scripts/deploy.py"), *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_script_writes_descriptor_and_deployment(chain: Chain, tmp_path: Path) -> None:
    account = chain.devnet.home / "deployer.account"
    done = run_script(
        "--node", chain.node.url, "--account", str(account), "--name", "Scripted", "--out", str(tmp_path / "net")
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    network = Network.parse((tmp_path / "net/network.json").read_bytes())
    check_network(chain.node, network)
    record = json.loads((tmp_path / "net/deployment.json").read_text())
    assert record["networkId"] == network.network_id.hex() in done.stdout
    assert record["contracts"]["Institutions"]["codeHash"] == network.institutions.code_hash.hex()
    assert record["contracts"]["SubsidyLedger"]["arguments"]["networkId_"] == network.network_id.hex()


def test_script_tells_an_account_without_funds(chain: Chain, tmp_path: Path) -> None:
    poor = KeyFileSigner.create(tmp_path / "poor.account")
    done = run_script(
        "--node", chain.node.url, "--account", str(tmp_path / "poor.account"), "--name", "X", "--out", str(tmp_path)
    )  # fmt: skip
    assert done.returncode == NodeUnavailable.exit_code
    assert "insufficient funds" in done.stderr
    assert chain.node.nonce(poor.address) == 0
