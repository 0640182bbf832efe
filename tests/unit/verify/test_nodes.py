"""Several nodes: all have to agree at one block; who does not is named, and nothing is concluded."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.paper_chain import PaperChain, rpc_transport
from support.paper_scene import Scene

from chainsvc.errors import NodesDisagree, NodeUnavailable
from chainsvc.verify import LiveNode, verify
from chainsvc.verify.nodes import LiveNodes, live
from chainsvc.verify.wording import NODES, OWN_NODE

Change = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


def _honest(chain: PaperChain, name: str) -> LiveNode:
    return LiveNode(f"http://user:secret@{name}.test/path", transport=rpc_transport(chain))


def _lying(chain: PaperChain, name: str, change: Change) -> LiveNode:
    true = rpc_transport(chain)

    def answer(request: httpx.Request) -> httpx.Response:
        calls = {call["id"]: call for call in json.loads(request.content)}
        return httpx.Response(
            200, json=[change(calls[a["id"]], a) for a in json.loads(true.handle_request(request).read())]
        )

    return LiveNode(f"http://{name}.test", transport=httpx.MockTransport(answer))


def _slots(value: str) -> Change:
    def change(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        return answer | {"result": value} if call["method"] == "eth_getStorageAt" else answer

    return change


def test_nodes_that_agree_give_one_verdict_which_names_them(scene: Scene) -> None:
    nodes = LiveNodes([_honest(scene.chain, name) for name in "abc"])
    verdict = verify(scene.proven().to_bytes(), scene.network, nodes)
    assert verdict.verdict == "valid"
    assert "3 nodes that agree: http://a.test, http://b.test, http://c.test" in str(verdict.step(6))
    assert verdict.facts is not None
    assert NODES in verdict.facts.not_proven
    assert OWN_NODE not in verdict.facts.not_proven


@pytest.mark.parametrize("order", ["hhl", "hlh", "lhh"])
def test_a_node_that_says_another_value_leaves_it_open_and_is_named(scene: Scene, order: str) -> None:
    nodes = [
        _honest(scene.chain, f"n{i}") if kind == "h" else _lying(scene.chain, f"n{i}", _slots("0x" + "11" * 32))
        for i, kind in enumerate(order)
    ]
    verdict = verify(scene.evidence().to_bytes(), scene.network, LiveNodes(nodes))
    assert verdict.verdict == "undetermined"
    told = str(verdict.step(5))
    assert "disagree about the" in told
    assert f"http://n{order.index('l')}.test: {'11' * 32}" in told


def test_liars_that_agree_with_each_other_convince_nobody_who_asks_an_honest_one(scene: Scene) -> None:
    change = _slots("0x" + "11" * 32)
    nodes = [_lying(scene.chain, "a", change), _lying(scene.chain, "b", change), _honest(scene.chain, "c")]
    assert verify(scene.evidence().to_bytes(), scene.network, LiveNodes(nodes)).verdict == "undetermined"


def test_nodes_on_two_branches_are_named_with_both_hashes(scene: Scene) -> None:
    fork = copy.deepcopy(scene.chain)
    fork.blocks.pop()
    fork.storage[next(iter(fork.code))][bytes(32)] = b"\x07" * 32
    fork.seal()
    scene_block, fork_block = scene.chain.tip.block, fork.tip.block
    assert (scene_block.number, scene_block.hash != fork_block.hash) == (fork_block.number, True)
    nodes = LiveNodes([_honest(scene.chain, "a"), _honest(fork, "b")])
    told = str(verify(scene.evidence().to_bytes(), scene.network, nodes).step(6))
    assert f"http://a.test: {scene_block.hash.hex()}" in told
    assert f"http://b.test: {fork_block.hash.hex()}" in told


def test_without_a_block_asked_for_the_newest_that_all_have_is_read(scene: Scene) -> None:
    ahead = copy.deepcopy(scene.chain)
    ahead.seal()
    nodes = LiveNodes([_honest(ahead, "ahead"), _honest(scene.chain, "behind")])
    found = nodes.read(scene.network, {}, at=None)
    assert found.block.hash == scene.chain.tip.block.hash
    verdict = verify(scene.evidence().to_bytes(), scene.network, nodes, ahead.tip.block.number)
    assert verdict.verdict == "undetermined"
    assert "http://behind.test" in str(verdict.step(6))


def test_a_silent_node_leaves_it_open_and_is_named(scene: Scene) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    dead = LiveNode("http://dead.test", transport=httpx.MockTransport(silent))
    verdict = verify(scene.evidence().to_bytes(), scene.network, LiveNodes([_honest(scene.chain, "a"), dead]))
    assert verdict.verdict == "undetermined"
    assert "http://dead.test" in str(verdict.step(6))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.sampled_from(["", "11", "22"]), min_size=2, max_size=5))
def test_a_value_is_given_only_when_all_say_it(scene: Scene, lies: list[str]) -> None:
    nodes = [
        _lying(scene.chain, f"n{i}", _slots("0x" + lie * 32)) if lie else _honest(scene.chain, f"n{i}")
        for i, lie in enumerate(lies)
    ]
    verdict = verify(scene.evidence().to_bytes(), scene.network, LiveNodes(nodes)).verdict
    expected = "undetermined" if len(set(lies)) > 1 else "valid" if lies[0] == "" else "invalid"
    assert verdict == expected


def test_an_address_that_is_given_twice_counts_once() -> None:
    with live(["http://a.test", "http://a.test"]) as nodes:
        assert isinstance(nodes, LiveNode)
    with live(["http://a.test", "http://b.test"]) as nodes:
        assert nodes.name == "http://a.test, http://b.test"


def test_disagreement_is_an_unavailable_node_to_a_program() -> None:
    assert issubclass(NodesDisagree, NodeUnavailable)
