"""API keys: shown once, kept as a hash.

A key is ``csk_<id>_<secret>``: 16 hex digits that find it, and 64 that prove it. The secret has 256 random bits, so
a plain SHA-256 of it is enough; a slow hash is for what people make up.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from chainsvc.crypto.suites import sha256
from chainsvc.errors import AccessDenied, NotFound
from chainsvc.journal.tables import api_keys

PREFIX = "csk"
ID_BYTES = 8
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key, without its secret.

    Attributes:
        key_id: Its public part.
        uscc: The organization it speaks for.
        scopes: What it may do.
        label: What people call it.
        created_at: Unix seconds.
        expires_at: Unix seconds, or None.
        revoked_at: Unix seconds, or None.
    """

    key_id: str
    uscc: str
    scopes: frozenset[str]
    label: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


_COLUMNS = (
    api_keys.c.key_id,
    api_keys.c.uscc,
    api_keys.c.scopes,
    api_keys.c.label,
    api_keys.c.created_at,
    api_keys.c.expires_at,
    api_keys.c.revoked_at,
)


def create(
    conn: Connection, uscc: str, scopes: Iterable[str], label: str, *, now: int, expires_at: int | None = None
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which is shown this once and kept nowhere."""
    key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES)
    key = ApiKey(key_id, uscc, frozenset(scopes), label, now, expires_at, None)
    conn.execute(
        api_keys.insert().values(
            key_id=key_id,
            uscc=uscc,
            scopes=sorted(key.scopes),
            secret_sha256=sha256(secret.encode()),
            label=label,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return key, f"{PREFIX}_{key_id}_{secret}"


def rotate(conn: Connection, key_id: str, *, now: int, overlap_s: int) -> tuple[ApiKey, str]:
    """Make a key like another one, which ends after ``overlap_s`` seconds if not before; return it with its token.

    Raises:
        NotFound: No such key, or it is over.
    """
    row = conn.execute(select(*_COLUMNS).where(api_keys.c.key_id == key_id).with_for_update()).first()
    old = None if row is None else _key(row)
    if old is None or old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise NotFound("no such API key in force", got=key_id, hint="`chainsvc key api list` shows them.")
    ends = now + overlap_s if old.expires_at is None else min(old.expires_at, now + overlap_s)
    conn.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(expires_at=ends))
    return create(conn, old.uscc, old.scopes, old.label, now=now, expires_at=old.expires_at)


def authenticate(conn: Connection, token: str, *, now: int) -> ApiKey:
    """Return the key of a token.

    Raises:
        AccessDenied: Not a key, unknown, revoked or expired; which of them is not told.
    """
    prefix, _, rest = token.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not key_id.isascii():
        raise _denied()
    found: Any = conn.execute(select(api_keys.c.secret_sha256, *_COLUMNS).where(api_keys.c.key_id == key_id)).first()
    kept = bytes(SECRET_BYTES) if found is None else found[0]
    proven = hmac.compare_digest(kept, sha256(secret.encode(errors="replace")))
    if found is None or not proven:
        raise _denied()
    key = _key(found[1:])
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise _denied()
    return key


def listing(conn: Connection, uscc: str | None = None) -> tuple[ApiKey, ...]:
    """Return all keys, also revoked ones, of one organization where named; the oldest first."""
    query = select(*_COLUMNS).order_by(api_keys.c.created_at, api_keys.c.key_id)
    if uscc is not None:
        query = query.where(api_keys.c.uscc == uscc)
    return tuple(_key(row) for row in conn.execute(query))


def revoke(conn: Connection, key_id: str, *, now: int) -> None:
    """End a key at once; repeating it keeps the first time.

    Raises:
        NotFound: No such key.
    """
    here = api_keys.c.key_id == key_id
    if conn.execute(select(api_keys.c.key_id).where(here)).first() is None:
        raise NotFound("no such API key", got=key_id, hint="`chainsvc key api list` shows them.")
    conn.execute(update(api_keys).where(here, api_keys.c.revoked_at.is_(None)).values(revoked_at=now))


def _key(row: Any) -> ApiKey:
    key_id, uscc, scopes, *rest = row
    return ApiKey(key_id, uscc, frozenset(scopes), *rest)


def _denied() -> AccessDenied:
    return AccessDenied(
        "the API key is unknown, expired or revoked",
        expected="Authorization: Bearer csk_<id>_<secret>",
        hint="Ask the operator for a new key.",
    )
