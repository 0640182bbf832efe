"""Following clique's sealers from a trusted block on: votes change the set, block by block.

The start is a genesis or checkpoint block that is trusted by its hash: its own list is the set, no vote is open and
nobody sealed recently. A checkpoint block that is not trusted proves nothing, its list is only compared. Some 1,500
headers a second; 30,000 a checkpoint apart are half a minute, so pin a late one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from chainsvc.errors import HeaderRefused
from chainsvc.proof.seals.clique import ADD, CliqueHeader, Rules, check, window

_ADDRESS = 20
_Votes = dict[tuple[bytes, bytes], bool]  # (who, about whom): to add


@dataclass(frozen=True, slots=True)
class Sealers:
    """The state after one block: who may seal the next.

    Attributes:
        header: The block.
        sealers: Ascending; 20 bytes each.
        recent: Who sealed the last blocks, by number.
        votes: Open votes: by sealer and candidate, whether to add the candidate.
        rules: Of the network.
    """

    header: CliqueHeader
    sealers: tuple[bytes, ...]
    recent: Mapping[int, bytes]
    votes: Mapping[tuple[bytes, bytes], bool]
    rules: Rules

    @classmethod
    def trusted(cls, data: bytes, block_hash: bytes, rules: Rules) -> Self:
        """Start at a genesis or checkpoint block.

        Args:
            data: RLP of its header.
            block_hash: The trusted hash, 32 bytes.
            rules: Of the network.

        Raises:
            HeaderRefused: ``malformed-header``, ``hash-mismatch``, ``missing-vanity``, ``missing-seal``, or
                ``checkpoint-signers-mismatch`` for a block that lists nobody.
        """
        header = CliqueHeader.parse(data)
        if header.hash != block_hash:
            expected, got = block_hash.hex(), header.hash.hex()
            raise header.refused("hash-mismatch", "not the trusted block", expected=expected, got=got)
        return cls(header, listed_sealers(header), MappingProxyType({}), MappingProxyType({}), rules)

    def after(self, data: bytes, claimed: bytes | None = None) -> Self:
        """Return the state after the next block.

        Args:
            data: RLP of the next header.
            claimed: The hash that it is announced under, or None where it is only computed.

        Raises:
            HeaderRefused: The first rule that does not hold, see :func:`chainsvc.proof.seals.clique.check`.
        """
        header = CliqueHeader.parse(data)
        sealer = check(header, self.header, self.sealers, self.recent, self.rules, claimed)
        sealers, votes = self._voted(header, sealer)
        first = header.number + 1 - window(max(len(sealers), len(self.sealers)))
        recent = {number: who for number, who in self.recent.items() if number >= first}
        return type(self)(header, sealers, {**recent, header.number: sealer}, votes, self.rules)

    @property
    def sealed_by(self) -> bytes:
        """Who sealed this block; not known of the trusted one.

        Raises:
            KeyError: The trusted one.
        """
        return self.recent[self.header.number]

    def _voted(self, header: CliqueHeader, sealer: bytes) -> tuple[tuple[bytes, ...], _Votes]:
        assert self.rules.epoch is not None
        if header.number % self.rules.epoch == 0:
            return self.sealers, {}
        candidate, adds = header.fields.miner, header.fields.nonce == ADD
        votes = {key: vote for key, vote in self.votes.items() if key != (sealer, candidate)}
        if (candidate in self.sealers) == adds:  # so it is already; a block without a vote reads as one of these
            return self.sealers, votes
        votes[sealer, candidate] = adds
        if sum(about == candidate for _, about in votes) <= len(self.sealers) // 2:
            return self.sealers, votes
        changed = {*self.sealers, candidate} if adds else {*self.sealers} - {candidate}
        left = {key: vote for key, vote in votes.items() if key[1] != candidate and key[0] in changed}
        return tuple(sorted(changed)), left


def listed_sealers(header: CliqueHeader) -> tuple[bytes, ...]:
    """Return the sealers that a genesis or checkpoint block lists.

    Raises:
        HeaderRefused: ``missing-vanity``, ``missing-seal`` or ``checkpoint-signers-mismatch``: no list, or not
            ascending.
    """
    data = header.listed
    found = tuple(data[at : at + _ADDRESS] for at in range(0, len(data), _ADDRESS))
    if not found or len(found[-1]) != _ADDRESS or list(found) != sorted(set(found)):
        message = "it lists no sealers"
        raise HeaderRefused("checkpoint-signers-mismatch", message, got=data.hex()[:400], where=header.where)
    return found
