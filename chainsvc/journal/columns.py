"""The metadata of the journal's tables and the columns that they are made of.

Each constructor adds the check that belongs to the kind of column: sizes of hashes, ranges of sums, names of states.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    cast,
    func,
)

MAX_SUM = 2**53 - 1
"""Largest amount or sum in fen: the largest integer that every JSON reader keeps exact."""

CHUNK_BITS = 12
"""An entry's index in its chunk takes the low 12 bits of ``entry_id``: a chunk has at most 4,096 entries."""

CHUNK_SIZE = 1 << CHUNK_BITS
"""Entry numbers of a chunk: ``chunk_id * CHUNK_SIZE`` and the ones after."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

chunk_ids = Sequence("chunk_ids", metadata=metadata, data_type=BigInteger)
"""Numbers chunks across all ledgers; drawn before encryption, because the number is bound into the cipher text."""


def octets(name: str, size: int, *, nullable: bool = False) -> Column[bytes]:
    """Return a column of exactly ``size`` bytes."""
    check = CheckConstraint(f"octet_length({name}) = {size}", name=f"{name}_size")
    return Column(name, LargeBinary, check, nullable=nullable)


def amount(name: str, *, nullable: bool = False) -> Column[int]:
    """Return a column of fen, 0 to 2^53-1."""
    check = CheckConstraint(f"{name} >= 0 AND {name} <= {MAX_SUM}", name=f"{name}_range")
    return Column(name, BigInteger, check, nullable=nullable)


def words(name: str, *, nullable: bool = False) -> Column[str]:
    """Return a column of text."""
    return Column(name, Text, nullable=nullable)


def blob(name: str, *, nullable: bool = False) -> Column[bytes]:
    """Return a column of bytes of any length."""
    return Column(name, LargeBinary, nullable=nullable)


def number(name: str, *, nullable: bool = False) -> Column[int]:
    """Return a column of a 64-bit integer."""
    return Column(name, BigInteger, nullable=nullable)


def state(*names: str) -> Column[str]:
    """Return the column ``state``, one of the given names."""
    listed = ", ".join(f"'{name}'" for name in names)
    return Column("state", Text, CheckConstraint(f"state IN ({listed})", name="state"), nullable=False)


def now() -> ColumnElement[int]:
    """Return the database's clock at the start of the transaction, Unix seconds."""
    return cast(func.extract("epoch", func.now()), BigInteger)


def of(target: Table, *columns: str) -> ForeignKeyConstraint:
    """Return the foreign key that ties ``columns`` to the same-named columns of ``target``."""
    return ForeignKeyConstraint(columns, [target.c[name] for name in columns])
