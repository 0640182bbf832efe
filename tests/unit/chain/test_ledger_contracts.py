"""The contracts of the descriptor in use."""

from dataclasses import replace

import pytest
from support.paper_chain import PaperChain

from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.ledger_contracts import LedgerContracts
from chainsvc.network import LedgerContract, Network

FURTHER = LedgerContract(bytes.fromhex("01" * 20), bytes(32), "further")


def test_a_further_contract_is_there_once_the_descriptor_has_it_and_the_others_stay_as_they_are() -> None:
    before = PaperChain().network
    in_use: list[Network] = [before]
    node = HttpNode("http://127.0.0.1:9")
    contracts = LedgerContracts(node, lambda: in_use[0])
    addresses = sorted({ledger.address for ledger in before.ledgers})
    known = dict(contracts)
    assert [*contracts] == addresses
    assert FURTHER.address not in contracts
    under_way = iter(contracts.values())
    next(under_way)
    in_use[0] = replace(before, ledgers=(*before.ledgers, FURTHER))
    assert [*under_way] == [known[address] for address in addresses[1:]]  # each way through is of one descriptor
    assert [*contracts] == [FURTHER.address, *addresses]
    assert all(contracts[address] is known[address] for address in addresses)
    with pytest.raises(KeyError):
        contracts[bytes(20)]
    node.close()
