"""The live node: what is asked, at which block, and what is refused."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from support.paper_chain import CHAIN_ID, rpc_transport
from support.paper_scene import Scene

from chainsvc.errors import ConfigurationRefused, NetworkMismatch, NodeUnavailable, NotReady
from chainsvc.network import Engine
from chainsvc.verify import LiveNode, verify
from chainsvc.verify.node import BATCH, MAX_ANSWER
from chainsvc.verify.sources import Place, Slot

URL = "http://user:secret@127.0.0.1:8545/path?key=secret"


def _node(scene: Scene, seen: list[Sequence[dict[str, Any]]] | None = None) -> LiveNode:
    return LiveNode(URL, transport=rpc_transport(scene.chain, seen))


def _answering(answer: Callable[[httpx.Request], httpx.Response]) -> LiveNode:
    return LiveNode(URL, transport=httpx.MockTransport(answer))


def _changed(scene: Scene, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> LiveNode:
    """Answer as the chain does, but with results changed by call."""
    honest = rpc_transport(scene.chain)

    def answer(request: httpx.Request) -> httpx.Response:
        calls = {call["id"]: call for call in json.loads(request.content)}
        answers = json.loads(honest.handle_request(request).read())
        return httpx.Response(200, json=[change(calls[a["id"]], a) for a in answers])

    return _answering(answer)


def test_evidence_verifies_with_and_without_a_proof(scene: Scene) -> None:
    for evidence in (scene.evidence(), scene.proven()):
        verdict = verify(evidence.to_bytes(), scene.network, _node(scene))
        assert (verdict.verdict, verdict.step(6).outcome) == ("valid", "passed")


def test_all_reads_are_at_one_block_and_its_hash_is_read_again(scene: Scene) -> None:
    seen: list[Sequence[dict[str, Any]]] = []
    verify(scene.evidence().to_bytes(), scene.network, _node(scene, seen))
    block = hex(scene.chain.tip.block.number)
    pinned, read, confirmed = seen
    assert [call["method"] for call in pinned] == ["eth_chainId", "eth_getBlockByNumber", "eth_getBlockByNumber"]
    assert {call["params"][-1] for call in read} == {block}
    assert {call["method"] for call in read} == {"eth_getCode", "eth_getStorageAt"}
    assert [(call["method"], call["params"]) for call in confirmed] == [("eth_getBlockByNumber", [block, False])]


def test_storage_keys_are_sent_as_32_bytes(scene: Scene) -> None:
    seen: list[Sequence[dict[str, Any]]] = []
    verify(scene.evidence().to_bytes(), scene.network, _node(scene, seen))
    keys = [call["params"][1] for call in seen[1] if call["method"] == "eth_getStorageAt"]
    assert len(keys) == 4
    assert {len(key) for key in keys} == {66}


def test_many_places_are_read_in_several_requests(scene: Scene) -> None:
    seen: list[Sequence[dict[str, Any]]] = []
    contract = scene.network.ledgers[0].address
    places: dict[str, Place] = {str(i): Slot(contract, i.to_bytes(32)) for i in range(2 * BATCH + 1)}
    snapshot = _node(scene, seen).read(scene.network, places, at=None)
    assert [len(calls) for calls in seen] == [3, BATCH, BATCH, 1, 1]
    assert snapshot.value("200") == bytes(32)


def test_confirmations_choose_an_older_block(scene: Scene) -> None:
    network = replace(scene.network, engine=Engine("clique", "confirmations:2", 1))
    tip = scene.chain.tip.block.number
    assert _node(scene).read(network, {}, at=None).block == scene.chain.blocks[tip - 2].block
    with pytest.raises(NotReady) as refused:
        _node(scene).read(network, {}, at=tip - 1)
    assert refused.value.expected == f"at most block {tip - 2}"


def test_another_chain_id_names_both(scene: Scene) -> None:
    network = replace(scene.network, chain_id=1)
    with pytest.raises(NetworkMismatch) as refused:
        _node(scene).read(network, {}, at=None)
    assert (refused.value.expected, refused.value.got) == ("1", str(CHAIN_ID))
    verdict = verify(scene.evidence().to_bytes(), network, _node(scene))
    assert (verdict.verdict, verdict.step(6).finding.expected) == ("undetermined", "1")


def test_another_genesis_names_both(scene: Scene) -> None:
    network = replace(scene.network, genesis=b"\x01" * 32)
    with pytest.raises(NetworkMismatch) as refused:
        _node(scene).read(network, {}, at=None)
    assert (refused.value.expected, refused.value.got) == ("01" * 32, scene.chain.blocks[0].block.hash.hex())


def test_a_block_that_moves_is_refused(scene: Scene) -> None:
    count = 0

    def move(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal count
        if call["method"] == "eth_getBlockByNumber" and call["params"][0] == hex(scene.chain.tip.block.number):
            count += 1
            return {**answer, "result": {**answer["result"], "hash": "0x" + "77" * 32}}
        return answer

    with pytest.raises(NodeUnavailable, match="changed while it was read") as refused:
        _changed(scene, move).read(scene.network, {}, at=None)
    assert (count, refused.value.got) == (1, "77" * 32)


@pytest.mark.parametrize(
    "result",
    [None, 1, "", "0x", "0xzz", "0x1", "0x" + "0" * 63, "0x" + "AB" * 32, ["0x"], {"a": 1}],
    ids=repr,
)
def test_a_nonsense_word_is_refused(scene: Scene, result: object) -> None:
    def spoil(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": result} if call["method"] == "eth_getStorageAt" else answer

    verdict = verify(scene.evidence().to_bytes(), scene.network, _changed(scene, spoil))
    assert verdict.verdict == "undetermined"
    assert "another form" in str(verdict.step(5).finding.reason)


def test_old_state_that_is_gone_says_what_to_do(scene: Scene) -> None:
    def forget(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        error = {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": "missing trie node"}}
        return error if call["method"] == "eth_getStorageAt" else answer

    verdict = verify(scene.evidence().to_bytes(), scene.network, _changed(scene, forget))
    assert verdict.verdict == "undetermined"
    assert "archive node" in str(verdict.step(5).finding.reason)


def _refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        _refuse,
        lambda _: httpx.Response(503),
        lambda _: httpx.Response(200, content=b"<html>"),
        lambda _: httpx.Response(200, json={"jsonrpc": "2.0", "error": {"message": "no batches"}}),
        lambda _: httpx.Response(200, json=[]),
        lambda _: httpx.Response(200, json=[1, 2, 3]),
        lambda _: httpx.Response(200, json=[{"id": i} for i in range(3)]),
        lambda _: httpx.Response(200, content=b"[" * 100_000),
        lambda _: httpx.Response(200, content=b" " * (MAX_ANSWER + 1)),
    ],
    ids=["refused", "503", "html", "no batches", "empty", "numbers", "no results", "deep", "huge"],
)
def test_a_node_that_does_not_answer_rightly_leaves_steps_open(
    scene: Scene, answer: Callable[[httpx.Request], httpx.Response]
) -> None:
    verdict = verify(scene.evidence().to_bytes(), scene.network, _answering(answer))
    assert (verdict.verdict, verdict.exit_code) == ("undetermined", 11)
    assert [verdict.step(n).outcome for n in (5, 6, 7, 8)] == ["not checked"] * 4


def test_secrets_of_the_address_are_never_told(scene: Scene) -> None:
    told = json.dumps(verify(scene.evidence().to_bytes(), scene.network, _node(scene)).to_json())
    told += json.dumps(verify(scene.evidence().to_bytes(), scene.network, _answering(_refuse)).to_json())
    assert "secret" not in told
    assert "http://127.0.0.1:8545" in told


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ftp://host", "http://", "ws://host", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationRefused):
        LiveNode(url)


def test_a_node_is_closed_with_its_block(scene: Scene) -> None:
    with _node(scene) as node:
        node.read(scene.network, {}, at=None)
    with pytest.raises(RuntimeError, match="closed"):
        node.read(scene.network, {}, at=None)
