"""Sections 10, 13 and 14 of docs/evidence-format.md once more: slots, trie proofs, headers and checkpoints.

Like :mod:`support.plain` it shares no line with chainsvc.
"""

import base64
import re
from typing import Any

from Crypto.Hash import keccak
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from support.plain import s


class RefusedError(Exception):
    """A step fails."""


class UnreadError(Exception):
    """A step can't be checked."""


def need(condition: object, why: str) -> None:
    if not condition:
        raise RefusedError(why)


def k(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def u256(number: int) -> bytes:
    return number.to_bytes(32, "big")


def slot_of(key: bytes, mapping: int, number: int | None = None) -> bytes:
    place = k(key + u256(mapping))
    return place if number is None else k(u256(number) + place)


def signature_fits(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def rlp_item(data: bytes) -> tuple[Any, bytes]:
    """Decode one item strictly; return it and the rest."""
    is_list, body, rest = rlp_outer(data)
    if not is_list:
        need(data[0] < 0x80 or len(body) != 1 or body[0] >= 0x80, "RLP long form of one byte")
        return body, rest
    items = []
    while body:
        item, body = rlp_item(body)
        items.append(item)
    return items, rest


def rlp_outer(data: bytes) -> tuple[bool, bytes, bytes]:
    """Return whether one item is a list, its body as it is, and the rest."""
    need(data, "RLP ends early")
    first, rest = data[0], data[1:]
    if first < 0x80:
        return False, data[:1], rest
    is_list = first >= 0xC0
    length = first - (0xC0 if is_list else 0x80)
    if length > 55:
        size, rest = rest[: length - 55], rest[length - 55 :]
        need(size and size[0] and len(size) == length - 55, "RLP length")
        length = int.from_bytes(size, "big")
        need(length > 55, "RLP long form of a short item")
    body, rest = rest[:length], rest[length:]
    need(len(body) == length, "RLP ends early")
    return is_list, body, rest


def rlp(data: bytes) -> Any:
    item, rest = rlp_item(data)
    need(not rest, "bytes after the RLP")
    return item


def nibbles(data: bytes) -> list[int]:
    return [half for byte in data for half in (byte >> 4, byte & 15)]


def proven(root: bytes, key: bytes, nodes: list[str]) -> bytes:
    """Walk from the root; return the value, empty when the proof shows that there is none."""
    need(len(nodes) <= 65, "too many nodes")
    path, unread = nibbles(k(key)), [bytes.fromhex(node) for node in nodes]
    place: Any = b"" if root == k(b"\x80") and not nodes else root
    value = b""
    while place:
        node = place
        if isinstance(place, bytes):
            need(unread and len(unread[0]) <= 1024 and k(unread[0]) == place, "not the node that the walk needs")
            node = rlp(unread.pop(0))
        if not node:
            break
        need(isinstance(node, list) and len(node) in (2, 17), "not a node")
        if len(node) == 17:
            place, path = node[path[0]], path[1:]
            continue
        need(isinstance(node[0], bytes) and node[0], "hex prefix")
        prefix = nibbles(node[0])
        need(prefix[0] < 4 and (prefix[0] & 1 or not prefix[1]), "hex prefix")
        part = prefix[1:] if prefix[0] & 1 else prefix[2:]
        if prefix[0] & 2:
            value = node[1] if part == path else b""
            need(part != path or (isinstance(value, bytes) and value), "a leaf without a value")
            break
        need(part, "an extension of no nibble")
        if path[: len(part)] != part:
            break
        place, path = node[1], path[len(part) :]
    need(not unread, "a node that the walk does not need")
    return value


LENGTHS = {0: 32, 1: 32, 2: 20, 3: 32, 4: 32, 5: 32, 6: 256, 13: 32, 14: 8}


QBFT = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")


def encoded(item: Any) -> bytes:
    if isinstance(item, bytes) and len(item) == 1 and item[0] < 0x80:
        return item
    body, start = (item, 0x80) if isinstance(item, bytes) else (b"".join(map(encoded, item)), 0xC0)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return (bytes([start + len(body)]) if len(body) < 56 else bytes([start + 55 + len(size)]) + size) + body


def unsealed(data: bytes, fields: list[bytes]) -> bytes:
    """Return what the block hash is over: under QBFT round and seals are left out."""
    if fields[13] != QBFT:
        return data
    try:
        extra = rlp(fields[12])
    except RefusedError:
        return data
    if isinstance(extra, bytes) or len(extra) != 5:
        return data
    return encoded([*fields[:12], encoded([*extra[:3], b"", []]), *fields[13:]])


class Header:
    """A block header."""

    def __init__(self, data: bytes) -> None:
        fields = rlp(data)
        need(isinstance(fields, list) and 15 <= len(fields) <= 64, "not a header")
        need(all(isinstance(field, bytes) for field in fields), "a list in the header")
        need(all(len(fields[i]) == length for i, length in LENGTHS.items()), "length of a field")
        need(all(len(fields[i]) <= 8 and fields[i][:1] != b"\0" for i in (8, 11)), "number or timestamp")
        self.hash, self.state_root, self.number = k(unsealed(data, fields)), fields[3], int.from_bytes(fields[8], "big")

    def account(self, address: bytes, nodes: list[str]) -> list[bytes]:
        fields = rlp(proven(self.state_root, address, nodes))
        need(len(fields) == 4, "not an account")
        return list(fields)


def headers_of(data: bytes, finality: str) -> list[bytes]:
    """Take ``proof.header`` apart."""
    if finality != "sealers":
        return [data]
    found: list[bytes] = []
    while data or not found:
        _, _, rest = rlp_outer(data)  # what is inside is looked at where it is needed
        found.append(data[: len(data) - len(rest)])
        data = rest
    need(len(found) <= 256, "too many headers")
    return found


def checkpoint_of(text: str, network: dict[str, Any]) -> tuple[int, bytes]:
    """Return number and hash of the block that a checkpoint names, if a signer of the descriptor signed it."""
    body, _, lines = text.rpartition("\n\n")
    match = re.fullmatch(r"chainsvc/([0-9a-f]{64})\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)", body)
    if match is None or match[1] != network["networkId"]:
        raise UnreadError("not a checkpoint of this network")
    signers = {}
    for vkey in network["signers"]:
        name, key_hash, encoded = vkey.split("+", 2)
        key = base64.b64decode(encoded)[1:]
        need(s(name.encode() + b"\n\x01" + key)[:4].hex() == key_hash, "verifier key")
        signers[name, key_hash] = key
    good = 0
    for line in lines.splitlines():
        _, name, encoded = line.split(" ")
        signature = base64.b64decode(encoded)
        if (known := signers.get((name, signature[:4].hex()))) is not None:
            if not signature_fits(known, f"{body}\n".encode(), signature[4:]):
                raise UnreadError("a signature that does not verify")
            good += 1
    if not good:
        raise UnreadError("nobody known signed")
    return int(match[2]), base64.b64decode(match[3])


class Proof:
    """Values that a state proof shows (section 13)."""

    def __init__(self, proof: Any, finality: str = "block") -> None:
        self.proof, self.header = proof, Header(headers_of(bytes.fromhex(proof["header"]), finality)[0])
        self.number = self.header.number

    def code(self, name: str, where: str) -> bytes:
        return self.account(name, where)[3]

    def account(self, name: str, where: str) -> list[bytes]:
        nodes = self.proof["institutions" if name == "institutions" else "account"]
        if name == "institutions" and not nodes:
            raise UnreadError(name)
        return self.header.account(bytes.fromhex(where), nodes)

    def slot(self, name: str, where: str, slot: bytes) -> bytes:
        if name == "receipt key":
            raise UnreadError(name)
        root = self.account("institutions" if name == "key" else "contract", where)[2]
        value = proven(root, slot, self.proof["storage"][name])
        return plain_word(value)


def plain_word(value: bytes) -> bytes:
    """Undo the RLP of a word without leading zeros."""
    if len(value) > 1:
        need(value[0] == 0x80 + len(value) - 1, "word")
        value = value[1:]
    need(len(value) <= 32, "word")
    return value.rjust(32, b"\0")


class Node:
    """Values of one chain state of verdicts.json."""

    def __init__(self, state: Any, at: int | None) -> None:
        if state is None or at not in (None, state["block"]["number"]):
            raise UnreadError("no such block")
        self.state, self.number, self.hash = state, state["block"]["number"], state["block"]["hash"]

    def code(self, _name: str, where: str) -> bytes:
        return bytes.fromhex(self.state["codeHashes"][where])

    def slot(self, _name: str, where: str, slot: bytes) -> bytes:
        return bytes.fromhex(self.state["slots"][where].get(slot.hex(), "00" * 32))
