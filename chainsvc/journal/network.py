"""Which deployment and which key-encryption key a journal belongs to: one row, written once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey, verify_check
from chainsvc.errors import NetworkMismatch
from chainsvc.journal.tables import network
from chainsvc.network import Network


@dataclass(frozen=True, slots=True)
class Belonging:
    """What the journal knows of its deployment.

    Attributes:
        network_id: 32 bytes.
        chain_id: As the node answers.
        genesis: Hash of block 0, 32 bytes.
        descriptor: Bytes of the network descriptor in use.
        kek_check: Check value of the key-encryption key, 32 bytes.
        wrapped_index_key: Key of the reference index, wrapped.
    """

    network_id: bytes
    chain_id: int
    genesis: bytes
    descriptor: bytes
    kek_check: bytes
    wrapped_index_key: bytes


def belonging(conn: Connection) -> Belonging | None:
    """Return what the journal was bound to; None for a new one."""
    columns = [network.c[name] for name in Belonging.__dataclass_fields__]
    row: Any = conn.execute(select(*columns)).first()
    return None if row is None else Belonging(*row)


def bind(
    conn: Connection,
    deployment: Network,
    kek: KeyEncryptionKey,
    others: Callable[[], Iterable[KeyEncryptionKey]] = tuple,
) -> Envelope:
    """Bind a new journal to a deployment and a key-encryption key, or check that it is bound to these.

    A descriptor with other facts about the same network (a new signer, a new schema) takes the old one's place.
    ``others`` reads what other key-encryption keys there are: while one is replaced, either may be the journal's.

    Raises:
        NetworkMismatch: The journal belongs to another deployment.
        KeyMismatch: It was written with another key-encryption key.
    """
    new = Envelope.create(kek)
    row = {
        "network_id": deployment.network_id,
        "chain_id": deployment.chain_id,
        "genesis": deployment.genesis,
        "descriptor": deployment.to_bytes(),
        "kek_check": kek.check_value,
        "wrapped_index_key": new.wrapped_index_key,
    }
    conn.execute(insert(network).values(row).on_conflict_do_nothing())
    bound = belonging(conn)
    assert bound is not None  # just inserted, or there before
    _check_network(bound, deployment)
    known = {one.check_value: one for one in (kek, *others())}
    counting = known.get(bound.kek_check, kek)
    verify_check(counting, bound.kek_check)
    if bound.descriptor != row["descriptor"]:
        follow(conn, deployment)
    return Envelope(counting, bound.wrapped_index_key, lambda: (kek, *others()))


def follow(conn: Connection, deployment: Network) -> None:
    """Keep a later descriptor of the network that the journal is bound to."""
    conn.execute(update(network).values(descriptor=deployment.to_bytes()))


def kek_check(conn: Connection) -> bytes | None:
    """Return the check value of the key-encryption key that counts; None in a journal that is not bound yet."""
    return conn.execute(select(network.c.kek_check)).scalar_one_or_none()


def _check_network(bound: Belonging, deployment: Network) -> None:
    told = (("network id", "network_id"), ("chain id", "chain_id"), ("genesis hash", "genesis"))
    for name, attribute in told:
        expected, got = getattr(bound, attribute), getattr(deployment, attribute)
        if expected != got:
            raise NetworkMismatch(
                f"the journal belongs to another network: its {name} differs",
                expected=_shown(expected),
                got=_shown(got),
                where="CHAINSVC_NETWORK_FILE",
                hint="Use the descriptor this journal was started with, or an empty database for the new network.",
            )


def _shown(value: bytes | int) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
