"""Section 22 of docs/evidence-format.md once more: who of the pinned validators sealed a proof's block.

Like :mod:`support.plain` it shares no line with chainsvc; keys are recovered by eth_keys.
"""

from itertools import pairwise
from typing import Any

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from support.plain_chain import QBFT, Header, RefusedError, UnreadError, encoded, headers_of, k, need, rlp

NO_UNCLES = bytes.fromhex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")


def sealed_by(data: bytes, network: Any) -> list[str]:
    """Return who stands behind the block, in hex, ascending; refuse what is wrong, and what is not sealed as unread."""
    finality = network["engine"]["finality"]
    headers = headers_of(data, finality)
    number = Header(headers[0]).number
    if finality not in ("block", "sealers"):
        raise UnreadError("no rule")
    if not set_of(network, number):
        raise UnreadError("nobody is pinned")
    found = committed(headers[0], set_of(network, number)) if finality == "block" else after(headers, network)
    return sorted(address.hex() for address in found)


def set_of(network: Any, number: int) -> list[bytes]:
    begun = [epoch for epoch in network["validators"] if epoch["from"] <= number]
    return [bytes.fromhex(address) for address in begun[-1]["addresses"]] if begun else []


def signer(digest: bytes, seal: bytes) -> bytes:
    need(len(seal) == 65 and seal[64] in (0, 1), "not a seal")
    try:
        return Signature(seal).recover_public_key_from_msg_hash(digest).to_canonical_address()
    except (BadSignature, ValidationError, ValueError) as error:
        raise RefusedError("nothing to recover") from error


def number_at(fields: list[bytes], place: int) -> int:
    need(len(fields[place]) <= 8 and fields[place][:1] != b"\0", "an integer")
    return int.from_bytes(fields[place], "big")


def fields_of(data: bytes) -> tuple[Header, list[bytes]]:
    header, fields = Header(data), rlp(data)
    for place in (7, 8, 9, 10, 11, 15)[: 6 if len(fields) > 15 else 5]:
        number_at(fields, place)
    return header, fields


def committed(data: bytes, validators: list[bytes]) -> set[bytes]:
    _, fields = fields_of(data)
    need(fields[13] == QBFT, "mixHash")
    extra = rlp(fields[12])
    need(isinstance(extra, list) and len(extra) == 5, "extraData")
    vanity, listed, vote, round_number, seals = extra
    need(isinstance(vanity, bytes) and len(vanity) == 32, "vanity")
    need(isinstance(round_number, bytes) and len(round_number) <= 4 and round_number[:1] != b"\0", "round")
    need(isinstance(listed, list) and all(isinstance(a, bytes) and len(a) == 20 for a in listed), "list")
    need(isinstance(vote, list) and all(isinstance(part, bytes) for part in vote), "vote")
    need(not vote or (len(vote) == 2 and len(vote[0]) == 20 and vote[1] in (b"\xff", b"")), "vote")
    need(isinstance(seals, list) and all(isinstance(seal, bytes) for seal in seals), "seals")
    need(number_at(fields, 7) == 1 and fields[1] == NO_UNCLES, "difficulty or uncles")
    need(listed == validators and fields[2] in validators, "validators")
    if not seals:
        raise UnreadError("no seals")
    digest = k(encoded([*fields[:12], encoded([vanity, listed, vote, round_number, []]), *fields[13:]]))
    signers = [signer(digest, seal) for seal in seals]
    need(set(signers) <= set(validators) and len(set(signers)) == len(signers), "signers")
    if 3 * len(signers) < 2 * len(validators):
        raise UnreadError("too few")
    return set(signers)


def after(headers: list[bytes], network: Any) -> set[bytes]:
    read = [fields_of(data) for data in headers]
    for (before, old), (header, fields) in pairwise(read):
        need(header.number == before.number + 1 and fields[0] == before.hash, "not the next")
        need(number_at(fields, 11) >= number_at(old, 11), "time")
    signers: list[bytes] = []
    for header, fields in read:
        signers.append(sealer(header.number, fields, set_of(network, header.number), signers))
    largest, found = len(set_of(network, read[0][0].number + 1)), set[bytes]()
    for (header, _), who in zip(read[1:], signers[1:], strict=True):
        largest = max(largest, len(set_of(network, header.number)))
        found.add(who)
        if len(found) >= max(largest - (largest - 1) // 3, largest // 2 + 1):
            return found
    raise UnreadError("too few")


def sealer(number: int, fields: list[bytes], validators: list[bytes], before: list[bytes]) -> bytes:
    need(len(fields) == 16 and fields[14] in (bytes(8), b"\xff" * 8), "fields or nonce")
    extra = fields[12]
    need(len(extra) >= 97, "extraData")
    if listed := extra[32:-65]:
        need(listed == b"".join(validators) and fields[2] == bytes(20) and fields[14] == bytes(8), "listed")
    need(fields[13] == bytes(32) and fields[1] == NO_UNCLES, "mixHash or uncles")
    need(number_at(fields, 10) <= number_at(fields, 9), "gas")
    who = signer(k(encoded([*fields[:12], extra[:-65], *fields[13:]])), extra[-65:])
    resting = before[max(len(before) - len(validators) // 2, 0) :]
    need(who in validators and who not in resting, "who sealed")
    need(number_at(fields, 7) == (2 if validators[number % len(validators)] == who else 1), "difficulty")
    return who
