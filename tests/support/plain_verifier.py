"""A second verifier, written from docs/evidence-format.md alone; it shares no line with chainsvc.

It answers with verdict and outcomes only. Schemas are the files themselves, whose SHA-256 the descriptor pins.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonschema_rs import validator_for
from support import plain
from support.plain_chain import Node, Proof, RefusedError, UnreadError, checkpoint_of, need, signature_fits, slot_of
from support.plain_file import MAX, disclosed, hash32, is_whole, parse
from support.plain_formats import FORMATS, is_date_time
from support.plain_seals import sealed_by

SCHEMAS = Path(__file__).parent.parent / "vectors" / "schemas"
STANDINGS = ("valid", "superseded", "revoked", "suspended", "dissolved", "annulled", "void")
ENVELOPE = {f"/{m}" for m in ["schema", "ledger", "reference", "revision", "previous", "credit", "debit", "issued_at"]}


class Verification:
    """The ten steps of section 16, and the verdict of section 17."""

    value: Any

    def __init__(self, data: bytes, network: Any, chain: Any, checkpoint: str | None, at: int | None) -> None:
        self.network, self.at = network, at
        self.outcomes: dict[int, str] = {}
        self.sources: list[Any] = []
        self.found: list[str] = []
        if not self.step(1, lambda: self.file(data)):
            self.outcomes.update(dict.fromkeys(range(2, 11), "not checked"))
            return
        self.batch, self.shown = self.value["batch"], disclosed(self.value)
        v = self.value
        self.ledger = plain.ledger_id(v["network"], v["contract"], v["suite"], v["flags"], self.shown["/ledger"])
        self.kind = self.shown["/ledger"].split("/")[0]
        self.contract = next((c for c in network["ledgers"] if c["kind"] == self.kind), {"address": None})
        self.is_pinned = v["network"] == network["networkId"] and v["contract"] == self.contract["address"]
        self.trouble: Exception | None = None if self.is_pinned else UnreadError("not the descriptor's")
        if self.is_pinned:
            self.open(chain, checkpoint)
        steps = (self.commitment, self.content, self.path, self.head, self.block, self.code, self.standing)
        for number, check in enumerate((*steps, self.submission, self.receipt), 2):
            self.step(number, check)

    def step(self, number: int, check: Callable[[], None]) -> bool:
        needed = {3: 2, 4: 2, 5: 4, 9: 2, 10: 2}.get(number)
        if needed and self.outcomes[needed] != "passed":
            self.outcomes[number] = "not checked"
            return False
        try:
            check()
        except RefusedError:
            self.outcomes[number] = "failed"
        except UnreadError:
            self.outcomes[number] = "not checked"
        else:
            self.outcomes[number] = "passed"
        return self.outcomes[number] == "passed"

    def open(self, chain: Any, checkpoint: str | None) -> None:
        proof = self.value["proof"]
        try:
            if checkpoint is not None:
                self.by_checkpoint(checkpoint, proof)
            elif chain is None and self.network["validators"]:
                self.by_seals(proof)
            else:
                self.sources = [Node(chain, self.at)]
        except (RefusedError, UnreadError) as error:
            self.trouble = error

    def by_checkpoint(self, checkpoint: str, proof: Any) -> None:
        number, block_hash = checkpoint_of(checkpoint, self.network)
        if proof is None or self.at not in (None, number):
            raise UnreadError("no proof, or another block")
        source = self.proof(proof)
        if source.header.number != number:
            raise UnreadError("another block")
        need(source.header.hash == block_hash, "another hash")
        self.sources = [source]

    def by_seals(self, proof: Any) -> None:
        if proof is None:
            raise UnreadError("no proof")
        source = self.proof(proof)
        self.found = sealed_by(bytes.fromhex(proof["header"]), self.network)
        if self.at not in (None, source.number):
            raise UnreadError("another block")
        self.sources = [source]

    def proof(self, proof: Any) -> Proof:
        return Proof(proof, self.network["engine"]["finality"])

    def each(self, check: Callable[[Any], None]) -> None:
        """Check by the source, and after a node by the file's own proof: what fails counts, then what stays open."""
        left_open: UnreadError | None = None
        refused: RefusedError | None = None
        for view in self.views():
            try:
                check(view)
            except UnreadError as error:
                left_open = error
            except RefusedError as error:
                refused = error
        trouble = refused or left_open
        if trouble is not None:
            raise trouble

    def views(self) -> list[Any]:
        if self.trouble is not None:
            raise UnreadError
        if self.value["proof"] is None or not isinstance(self.sources[0], Node):
            return self.sources
        try:
            return [*self.sources, self.proof(self.value["proof"])]
        except RefusedError as error:
            raise UnreadError("no header") from error

    def file(self, data: bytes) -> None:  # 1
        self.value = parse(data)

    def commitment(self) -> None:  # 2
        paths = [pair[0] for pair in self.value["pairs"]]
        need(all(a < b and not b.startswith(a + "/") for a, b in pairwise(paths)), "order")
        self.committed = plain.commitment(self.value["suite"], self.value["pairs"])

    def content(self) -> None:  # 3
        paths = {pair[0] for pair in self.value["pairs"]}
        need({path for path in paths if not path.startswith("/body/")} == ENVELOPE, "envelope")
        revision, previous = self.shown["/revision"], self.shown["/previous"]
        need(is_whole(revision), "revision")
        need(previous is None if revision == 0 else hash32(previous), "previous")
        need(revision == 0 or 0 in (self.shown["/credit"], self.shown["/debit"]), "both sides")
        texts = [self.shown[path] for path in ("/schema", "/reference", "/issued_at") if path in self.shown]
        need(all(isinstance(text, str) for text in texts), "no text")
        need("/issued_at" not in self.shown or is_date_time(self.shown["/issued_at"]), "time")
        file = SCHEMAS / f"{self.shown['/schema']}.json"
        if not file.exists() or plain.s(file.read_bytes()).hex() != self.network["schemas"].get(self.shown["/schema"]):
            raise UnreadError("schema")
        schema = json.loads(file.read_bytes())
        every = {kind for file in SCHEMAS.glob("*.json") for kind in json.loads(file.read_bytes())["x-kind"]}
        need(self.kind in (every if schema["x-kind"] == ["*"] else schema["x-kind"]), "kind")
        fields = dict(fields_of(schema, "/body"))
        need({path for path in paths if path.startswith("/body/")} == set(fields), "fields")
        need(all(is_valid(fields[path], v) for path, v in self.shown.items() if path in fields), "a value")
        for side in ("credit", "debit"):
            source = schema["x-money"][side]
            due = self.shown.get(source) if source else 0
            need(revision > 0 or due is None or self.shown[f"/{side}"] == due, side)

    def path(self) -> None:  # 4
        v, index, count = self.value, self.value["seq"] - self.batch["first"], self.batch["count"]
        need(0 <= index < count <= 4096 and len(v["path"]) == len(plain.sides(index, count)), "position or length")
        leaf = plain.leaf(
            v["suite"], self.ledger, v["seq"], self.committed, self.shown["/credit"], self.shown["/debit"]
        )
        self.root = plain.climb(v["suite"], leaf, index, count, v["path"])
        need(max(self.root[1:]) <= MAX, "sums")

    def head(self) -> None:  # 5
        due = plain.head(self.ledger, self.batch, self.root)
        slot = slot_of(self.ledger, self.network["slots"]["heads"], self.batch["index"])

        def check(view: Any) -> None:
            held = view.slot("head", self.value["contract"], slot)
            if not any(held) and view.number < self.batch["block"]:
                raise UnreadError("before the batch")
            need(held == due, "another head")

        self.each(check)

    def block(self) -> None:  # 6
        if self.trouble is not None:
            raise self.trouble
        node = self.sources[0]
        if self.value["proof"] is not None and isinstance(node, Node):
            header = self.proof(self.value["proof"]).header
            if header.number != node.number:
                raise UnreadError("no such block")
            need(header.hash.hex() == node.hash, "another block")
        if self.value["proof"] is not None and self.network["validators"]:
            with suppress(UnreadError):  # too few fail nothing where the block is trusted anyway
                self.found = sealed_by(bytes.fromhex(self.value["proof"]["header"]), self.network)

    def code(self) -> None:  # 7
        need(self.is_pinned, "not the descriptor's")
        register = self.network["institutions"]

        def check(view: Any) -> None:
            need(view.code("contract", self.value["contract"]).hex() == self.contract["codeHash"], "code")
            if isinstance(view, Node) or view.proof["institutions"]:
                need(view.code("institutions", register["address"]).hex() == register["codeHash"], "code")

        self.each(check)

    def word(self, block: int) -> bytes:
        return plain.word(self.ledger, self.value["seq"], [c for c in self.value["status"] if c[4] <= block])

    def standing(self) -> None:  # 8
        slot = slot_of(self.ledger, self.network["slots"]["words"], self.value["seq"])

        def check(view: Any) -> None:
            held = view.slot("word", self.value["contract"], slot)
            need(held[31] <= 6, "status")
            if view is self.sources[0]:
                self.held = held
                if self.at is None and any(change[4] > view.number for change in self.value["status"]):
                    raise UnreadError("a later change")
            if held != self.word(view.number):
                need(any(held), "no such change")
                raise UnreadError("an older file")

        self.each(check)

    def submission(self) -> None:  # 9
        part, proof = self.value["submission"], self.value["proof"]
        if proof is not None and proof["storage"]["key"]:
            need(part is not None and proof["institutions"], "key nodes that prove nothing")
        if part is None:
            need(not self.value["flags"], "no submission")
            raise UnreadError("unsigned")
        self.signed("submission", part, "")

        def check(view: Any) -> None:
            if view is self.sources[0] or view.proof["institutions"]:
                self.key(view, "key", part, 1, self.batch["time"], 0, self.shown["/ledger"].split("/")[1])

        self.each(check)

    def receipt(self) -> None:  # 10
        part = self.value["receipt"]
        if part is None:
            raise UnreadError("no receipt")
        self.signed("receipt", part, f"{part['acceptedAt']}\n{part['anchorBy']}\n")
        if self.trouble is None and isinstance(self.sources[0], Node):
            slack = self.network["time"]["tolerance"]
            self.key(self.sources[0], "receipt key", part, 2, part["acceptedAt"], slack, None)

    def signed(self, name: str, part: Any, tail: str) -> None:  # section 11
        need(part["index"] < part["n"] and len(part["path"]) == len(plain.sides(part["index"], part["n"])), "position")
        root = plain.climb_chunk(self.committed, part["index"], part["n"], part["path"])
        message = f"chainsvc-{name}/1\n{self.ledger.hex()}\n{part['n']}\n{root.hex()}\n{tail}".encode()
        good = signature_fits(bytes.fromhex(part["pubkey"]), message, bytes.fromhex(part["signature"]))
        need(part["alg"] == 1 and good, "signature")

    def key(self, source: Any, name: str, part: Any, purpose: int, time: int, slack: int, uscc: str | None) -> None:
        identity = plain.s(bytes([part["alg"]]) + bytes.fromhex(part["pubkey"]))
        slot = slot_of(identity, self.network["slots"]["keys"])
        word = source.slot(name, self.network["institutions"]["address"], slot)
        since, until, compromised = (int.from_bytes(word[i : i + 4], "big") for i in (20, 24, 28))
        need(any(word) and uscc in (None, word[:18].decode("latin-1")), "whose key")
        need((word[18], word[19]) == (part["alg"], purpose), "what key")
        need(time + slack >= since and (not until or time - slack < until), "when")
        if compromised and time + slack >= compromised:
            raise UnreadError("compromised")

    @property
    def verdict(self) -> str:
        if "failed" in self.outcomes.values():
            return "invalid"
        needed = (5, 6, 7, 9) if self.value["flags"] else (5, 6, 7)
        if any(self.outcomes[step] != "passed" for step in needed):
            return "undetermined"
        is_older = self.outcomes[8] == "not checked" and not self.value["status"]
        if self.outcomes[8] == "passed" or (is_older and self.held[31]):
            return STANDINGS[self.held[31]]
        return "undetermined"


def is_valid(schema: Any, value: Any) -> bool:
    return validator_for(schema, formats=FORMATS, validate_formats=True, offline=True).is_valid(value)


def fields_of(schema: Any, path: str) -> list[tuple[str, Any]]:
    found = []
    for name, member in schema["properties"].items():
        below = f"{path}/{name}"
        found += fields_of(member, below) if member.get("type") == "object" else [(below, member)]
    return found
