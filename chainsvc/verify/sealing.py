"""Do the pinned validators stand behind the block of a file's proof? See docs/seals.md.

Which rule counts is the descriptor's: with the finality ``block`` a header has the committed seals of its validators;
with ``sealers`` the headers after it, which then stand behind it in ``proof.header``, are sealed by enough of them.
"""

from functools import lru_cache

from chainsvc.errors import HeaderRefused, NotFound, NotReady
from chainsvc.evidence import Proof
from chainsvc.network import AT_ONCE, SEALERS, Network, Validators, validators_at
from chainsvc.proof import rlp
from chainsvc.proof.header import Header
from chainsvc.proof.seals import Sealed, qbft
from chainsvc.proof.seals.clique import Rules
from chainsvc.proof.seals.following import check_run
from chainsvc.verify.verdict import Seals

MAX_HEADERS = 256
"""Most headers in ``proof.header``."""

_WHERE = "/proof/header"
_NEEDS_MORE = frozenset({"below-quorum", "no-seals"})
_RULES = {AT_ONCE: "committed seals in its header", SEALERS: "seals of the blocks after it"}
_ANY_TIME = Rules(period=0, epoch=None)  # of the genesis, which no descriptor has


def block_header(proof: Proof, network: Network) -> Header:
    """Return the header that the proof's nodes hang on, its first.

    Raises:
        MalformedInput: It is none, or something stands behind it that must not.
    """
    return Header.parse(_headers(proof.header, network.engine.finality)[0], _WHERE)


def seals_of(proof: Proof, network: Network) -> Seals:
    """Return who of the pinned validators stands behind the block of a proof.

    Raises:
        HeaderRefused: A header or a seal is wrong.
        NotReady: Too few of them stand behind it.
        NotFound: The descriptor pins nobody for this block, or the engine has no such rule.
    """
    if not network.validators or network.engine.finality not in _RULES:
        raise NotFound("the descriptor pins no validators whose seals would count")
    return _judged(proof.header, network.engine.finality, network.validators)


@lru_cache(maxsize=64)  # files of one block share their headers
def _judged(data: bytes, finality: str, pinned: tuple[Validators, ...]) -> Seals:
    headers = _headers(data, finality)
    number = Header.parse(headers[0], _WHERE).number
    epoch = validators_at(pinned, number)
    if epoch is None:
        expected = f"block {pinned[0].since} or later"
        raise NotFound("the descriptor pins no validators for this block", expected=expected, got=f"block {number}")
    try:
        sealed = _sealed(headers, finality, pinned)
    except HeaderRefused as error:
        if error.rule in _NEEDS_MORE:
            raise _not_ready(error, number) from error
        raise _refused(error) from error
    return Seals(_RULES[finality], sealed.needed, sealed.found, sealed.validators, epoch.since)


def _sealed(headers: list[bytes], finality: str, pinned: tuple[Validators, ...]) -> Sealed:
    def sealers_of(number: int) -> tuple[bytes, ...]:
        epoch = validators_at(pinned, number)
        return epoch.addresses if epoch else ()

    if finality == SEALERS:
        return check_run(headers, sealers_of, _ANY_TIME, _WHERE)
    return qbft.check(headers[0], sealers_of(Header.parse(headers[0], _WHERE).number), where=_WHERE)


def _not_ready(error: HeaderRefused, number: int) -> NotReady:
    return NotReady(
        "too few of the pinned validators stand behind the block: by their seals it is not final",
        expected=f"{error.expected} validators",
        got=f"{error.got} validators",
        where=f"block {number}",
        hint="Ask for newer evidence, or verify with a node or a checkpoint.",
    )


def _refused(error: HeaderRefused) -> HeaderRefused:
    hint = "If the validators changed since, take the network's successor descriptor."
    _, _, message = error.message.partition(": ")
    return HeaderRefused(error.rule, message, expected=error.expected, got=error.got, where=error.where, hint=hint)


def _headers(data: bytes, finality: str) -> list[bytes]:
    return rlp.split(data, most=MAX_HEADERS, where=_WHERE) if finality == SEALERS else [data]
