import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from support import plain
from support.edits import edited
from support.plain_formats import FORMATS

import vectors
from chainsvc import jcs
from chainsvc.errors import MalformedInput
from chainsvc.evidence import Evidence
from chainsvc.record import Record
from chainsvc.schemas.formats import FORMATS as CODE_FORMATS

FOLDER = Path(__file__).parent.parent / "vectors"


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_bytes())


def rows(name: str, member: str) -> list[Any]:
    found: list[Any] = read(name)[member]
    assert found
    return found


def test_every_file_is_what_the_code_says() -> None:
    assert vectors.differences(vectors.wanted()) == []


def test_a_changed_missing_or_unknown_file_is_a_difference() -> None:
    files = vectors.wanted()
    first, second, *_ = files
    changed = {**files, first: files[first] + b"x", "new.json": b"1\n"}
    del changed[second]
    named = [line.split(":")[0] for line in vectors.differences(changed)]
    assert sorted(named) == sorted([first, second, "new.json"])


def test_all_vectors_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 550_000


@pytest.mark.parametrize("row", rows("jcs.json", "accepted"), ids=lambda row: row["text"][:30])
def test_accepted_json(row: dict[str, str]) -> None:
    assert plain.jcs(json.loads(row["text"])).hex() == row["hex"] == row["canonical"].encode().hex()


@pytest.mark.parametrize("row", rows("jcs.json", "refused"), ids=lambda row: row["why"])
def test_refused_json(row: dict[str, str]) -> None:
    with pytest.raises(MalformedInput):
        jcs.loads(bytes.fromhex(row["hex"]), max_bytes=65_536, max_depth=8)


@pytest.mark.parametrize("row", rows("formats.json", "formats"), ids=lambda row: row["format"])
def test_formats(row: dict[str, Any]) -> None:
    for takes in (FORMATS[row["format"]], lambda text: CODE_FORMATS[row["format"]](text) is None):
        assert [takes(text) for text in row["accepted"]] == [True] * len(row["accepted"])
        assert [takes(text) for text in row["refused"]] == [False] * len(row["refused"])


def test_every_format_has_texts() -> None:
    assert {row["format"] for row in rows("formats.json", "formats")} == set(FORMATS) == set(CODE_FORMATS)


def test_the_descriptor_pins_schema_files_of_the_vectors() -> None:
    for name, digest in read("evidence/network.json")["schemas"].items():
        assert plain.s((FOLDER / "schemas" / f"{name}.json").read_bytes()).hex() == digest


@pytest.mark.parametrize("row", rows("commitments.json", "commitments"), ids=lambda row: f"{row['record']['schema']}")
def test_commitments(row: dict[str, Any]) -> None:
    suite, values = row["suite"], dict(Record.from_json(row["record"]).flatten())
    assert [pair[0] for pair in row["pairs"]] == sorted(values)
    for path, salt, text, digest in row["pairs"]:
        assert plain.jcs(values[path]).hex() == text
        assert plain.h(suite, b"\x02" + bytes.fromhex(salt + text)).hex() == digest
    pairs = [[path, digest] for path, _, _, digest in row["pairs"]]
    assert plain.commitment(suite, pairs).hex() == row["commitment"]
    assert plain.h(suite, bytes.fromhex(row["preimage"])).hex() == row["commitment"]


@pytest.mark.parametrize("row", rows("ledgers.json", "ledgers"), ids=lambda row: f"{row['name']} {row['suite']}")
def test_ledger_ids(row: dict[str, Any]) -> None:
    expected = plain.ledger_id(row["network"], row["contract"], row["suite"], row["flags"], row["name"])
    assert expected.hex() == plain.s(bytes.fromhex(row["preimage"])).hex() == row["ledgerId"]


def leaf_by_rule(suite: int, ledger: str, index: int) -> list[Any]:
    commitment = plain.derived(f"commitment/{index}")
    return plain.leaf(
        suite, bytes.fromhex(ledger), 1000 + index, commitment, index * 7919 % 100_000, index * 104_729 % 50_000
    )


@pytest.mark.parametrize("row", rows("trees.json", "trees"), ids=lambda row: f"{row['suite']}-{row['count']}")
def test_small_trees(row: dict[str, Any]) -> None:
    suite, count = row["suite"], row["count"]
    leaves = [leaf_by_rule(suite, row["ledgerId"], i) for i in range(count)]
    assert plain.tree(suite, leaves) == row["root"]
    assert [stated["hash"] for stated in row["leaves"]] == [node[0] for node in leaves]
    for index, stated in enumerate(row["leaves"]):
        again = plain.leaf(
            suite,
            bytes.fromhex(row["ledgerId"]),
            stated["seq"],
            bytes.fromhex(stated["commitment"]),
            stated["credit"],
            stated["debit"],
        )
        assert plain.climb(suite, again, index, count, stated["path"]) == row["root"]


@pytest.mark.parametrize("row", rows("trees.json", "large"), ids=lambda row: str(row["suite"]))
def test_large_trees(row: dict[str, Any]) -> None:
    suite, count = row["suite"], row["count"]
    leaves = [leaf_by_rule(suite, row["ledgerId"], i) for i in range(count)]
    assert plain.tree(suite, leaves) == row["root"]
    for stated in row["paths"]:
        assert plain.climb(suite, leaves[stated["index"]], stated["index"], count, stated["path"]) == row["root"]


def test_heads_chain() -> None:
    previous = "00" * 32
    for row in rows("heads.json", "heads"):
        assert row["previous"] == previous
        batch = {**row, "prev": previous}
        value = plain.head(bytes.fromhex(row["ledgerId"]), batch, [row["root"], row["credit"], row["debit"]])
        assert value == plain.s(bytes.fromhex(row["preimage"]))
        previous = row["head"]
        assert value.hex() == previous


def test_the_second_head_anchors_the_tree_of_five() -> None:
    row = rows("heads.json", "heads")[1]
    tree = next(t for t in rows("trees.json", "trees") if (t["suite"], t["count"]) == (1, 5))
    assert [row["root"], row["credit"], row["debit"]] == tree["root"]
    assert (row["ledgerId"], row["first"]) == (tree["ledgerId"], tree["leaves"][0]["seq"])


def test_words_chain() -> None:
    changes: list[list[Any]] = []
    for row in rows("words.json", "words"):
        assert row["previous"] == plain.word(bytes.fromhex(row["ledgerId"]), row["seq"], changes).hex()
        members = ("status", "causeLedgerId", "causeSeq", "actor", "block", "time")
        changes.append([row[member] for member in members])
        value = plain.word(bytes.fromhex(row["ledgerId"]), row["seq"], changes)
        assert value == plain.s(bytes.fromhex(row["preimage"]))[:31] + bytes([row["status"]])
        assert value.hex() == row["word"]


@pytest.mark.parametrize("row", rows("chunks.json", "chunks"), ids=lambda row: str(row["n"]))
def test_chunks(row: dict[str, Any]) -> None:
    commitments = [plain.derived(f"commitment/{i}") for i in range(row["n"])]
    assert plain.chunk(commitments).hex() == row["root"]
    for stated in row["paths"]:
        index = stated["index"]
        assert plain.climb_chunk(commitments[index], index, row["n"], stated["path"]).hex() == row["root"]


def test_signatures() -> None:
    content = read("signatures.json")
    start = f"{content['ledgerId']}\n{content['n']}\n{content['root']}\n"
    messages = [
        f"chainsvc-submission/1\n{start}",
        f"chainsvc-receipt/1\n{start}{content['acceptedAt']}\n{content['anchorBy']}\n",
    ]
    for row, message in zip(content["signatures"], messages, strict=True):
        key = Ed25519PrivateKey.from_private_bytes(plain.derived(row["key"]))
        public = key.public_key().public_bytes_raw()
        assert row["seed"] == plain.derived(row["key"]).hex()
        assert row["message"] == message
        assert row["publicKey"] == public.hex()
        assert row["keyId"] == plain.s(b"\x01" + public).hex()
        assert row["signature"] == key.sign(message.encode()).hex()
    for index, receipt in enumerate(content["receipts"]):
        root = plain.climb_chunk(plain.derived(f"commitment/{index}"), receipt["index"], receipt["n"], receipt["path"])
        assert root.hex() == content["root"]
        assert receipt["signature"] == content["signatures"][1]["signature"]


@pytest.mark.parametrize("row", rows("evidence/valid.json", "files"), ids=lambda row: row["file"])
def test_valid_evidence(row: dict[str, Any]) -> None:
    data = (FOLDER / row["file"]).read_bytes()
    assert Evidence.parse(data).to_bytes() == data
    value = json.loads(data)
    shown = {pair[0]: pair[2] for pair in value["pairs"] if len(pair) == 3}
    suite, batch = value["suite"], value["batch"]
    ledger = plain.ledger_id(value["network"], value["contract"], suite, value["flags"], shown["/ledger"])
    commitment = plain.commitment(suite, value["pairs"])
    leaf = plain.leaf(suite, ledger, value["seq"], commitment, shown["/credit"], shown["/debit"])
    root = plain.climb(suite, leaf, value["seq"] - batch["first"], batch["count"], value["path"])
    assert row["ledgerId"] == ledger.hex()
    assert row["commitment"] == commitment.hex()
    assert row["leaf"] == leaf[0]
    assert row["root"] == root
    assert row["head"] == plain.head(ledger, batch, root).hex()
    assert row["word"] == plain.word(ledger, value["seq"], value["status"]).hex()
    assert row["hidden"] == [pair[0] for pair in value["pairs"] if len(pair) == 2]
    check_signatures(value, ledger, commitment)


def check_signatures(value: dict[str, Any], ledger: bytes, commitment: bytes) -> None:
    for member in ("submission", "receipt"):
        if (part := value[member]) is None:
            continue
        root = plain.climb_chunk(commitment, part["index"], part["n"], part["path"])
        message = f"chainsvc-{member}/1\n{ledger.hex()}\n{part['n']}\n{root.hex()}\n"
        if member == "receipt":
            message += f"{part['acceptedAt']}\n{part['anchorBy']}\n"
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(part["pubkey"]))
        key.verify(bytes.fromhex(part["signature"]), message.encode())


@pytest.mark.parametrize("row", rows("evidence/malformed.json", "files"), ids=lambda row: row["name"])
def test_malformed_evidence(row: dict[str, Any]) -> None:
    base = (FOLDER / read("evidence/malformed.json")["base"]).read_bytes()
    assert Evidence.parse(base)
    data = edited(base, row)
    assert data != base
    with pytest.raises(MalformedInput):
        Evidence.parse(data)
