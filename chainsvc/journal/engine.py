"""Connections to the journal's database, and the one place where its failures get our names.

PostgreSQL 15 to 18 through psycopg 3. Two settings are made on every connection and need a direct one (or a pooler
that passes ``options`` on): ``synchronous_commit`` stays on, since a receipt promises a durable entry; and
``plan_cache_mode = force_custom_plan``, since a plan kept from the time when a table was empty makes bulk intake a
hundred times slower. It does not reach statements without parameters in triggers, whose plans are always kept:
migration 0005 sees to those.

A connection that died in silence ends within a minute on both sides, and so does a transaction whose process was
paused: what it locked is free again. A server that only reads (a standby after a failover) counts as one that does
not answer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from chainsvc.errors import ConfigurationRefused, DatabaseUnavailable

OLDEST_SERVER = 15
NEWEST_SERVER = 18
CONNECT_TIMEOUT_SECONDS = 10
LOCK_TIMEOUT_MILLISECONDS = 30_000
"""Waiting longer than this for a row means that another process hangs; the caller tries again."""

IDLE_TIMEOUT = "1min"
"""A transaction without a word for longer than this is cut off by the server; :func:`snapshot` is not."""

_SILENCE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Seconds without traffic before the other side is asked, between questions, and how many may stay unanswered."""

_UNANSWERED_MILLISECONDS = 60_000
"""Longest time that sent bytes may stay unacknowledged; libpq heeds it where the system can."""

SESSION = {
    "application_name": "chainsvc",
    "synchronous_commit": "on",
    "plan_cache_mode": "force_custom_plan",
    "timezone": "UTC",
    "lock_timeout": str(LOCK_TIMEOUT_MILLISECONDS),
    "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
}


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """Return an engine for ``url`` after one connection has proved that the server will do.

    Args:
        url: ``postgresql://user:password@host/name`` or with a Unix socket, ``postgresql://user@/name?host=/dir``;
            several servers of one cluster as ``postgresql://user@/name?host=a:5432&host=b:5432``.
        pool_size: Connections kept open; as many again are opened under load.

    Raises:
        ConfigurationRefused: Not a PostgreSQL URL, or a server of a version that is not supported.
        DatabaseUnavailable: The server does not answer or refuses the login.
    """
    address = _address(url)
    heard = {f"tcp_{name}": str(value) for name, value in _SILENCE.items()}  # the server asks as often as we do
    engine = create_engine(
        address,
        poolclass=_Pool,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": " ".join(f"-c {name}={value}" for name, value in (SESSION | heard).items()),
            "prepare_threshold": None,
            "target_session_attrs": address.query.get("target_session_attrs", "read-write"),
            "tcp_user_timeout": _UNANSWERED_MILLISECONDS,
            **_SILENCE,
        },
    )
    event.listen(engine, "handle_error", _translate)
    try:
        _check_server(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


class _Pool(QueuePool):
    """A pool whose connections are all in use for too long is an outage like any other: the caller tries again."""

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return super()._do_get()
        except PoolTimeout as error:
            raise DatabaseUnavailable(
                "all connections to the journal's database are in use",
                expected=f"one within {self.timeout():.0f} s",
                where="CHAINSVC_DATABASE_URL",
                hint="Try again; more API processes have more connections.",
            ) from error


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Give a transaction that reads the journal as it is at one moment, for as long as its reader takes."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield conn


def rows_of(conn: Connection, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """Return what a query finds, in binary form and past SQLAlchemy, whose rows cost more than the query.

    Raises:
        DatabaseUnavailable: No answer.
    """
    driver = conn.connection.driver_connection
    assert driver is not None
    try:
        with driver.cursor(binary=True) as cursor:
            return list(cursor.execute(statement, values).fetchall())
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise unavailable(error) from error


def server_time(conn: Connection) -> float:
    """Return the server's time in Unix seconds: the one clock that all processes share."""
    return float(conn.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ConfigurationRefused(
            "the database URL cannot be read",
            expected="postgresql://user:password@host/name",
            where="CHAINSVC_DATABASE_URL",
        ) from error
    if address.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigurationRefused(
            "the journal is kept in PostgreSQL only",
            expected="postgresql://…",
            got=f"{address.drivername}://…",
            where="CHAINSVC_DATABASE_URL",
            hint="Leave the setting empty to use the embedded PostgreSQL.",
        )
    return address.set(drivername="postgresql+psycopg")


def _check_server(engine: Engine) -> None:
    with engine.connect() as conn:
        version = int(conn.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    if not OLDEST_SERVER <= version <= NEWEST_SERVER:
        raise ConfigurationRefused(
            "this PostgreSQL has a version that the journal was not tested with",
            expected=f"{OLDEST_SERVER} to {NEWEST_SERVER}",
            got=version,
            where="CHAINSVC_DATABASE_URL",
        )


def _translate(context: ExceptionContext) -> None:
    """Raise DatabaseUnavailable for what may succeed later; leave programming and integrity errors as they are."""
    original = context.original_exception
    if context.is_pre_ping:
        return  # a connection that died in the pool is no outage: the pool makes a new one
    if isinstance(original, ReadOnlySqlTransaction):
        context.is_disconnect = True  # the pool lets go of all connections to this server, and finds the new one
    if isinstance(original, psycopg.OperationalError | psycopg.InterfaceError) or context.is_disconnect:
        raise unavailable(original) from original


def unavailable(error: BaseException) -> DatabaseUnavailable:
    """Return what a failure of the driver is called, for what does not pass through SQLAlchemy (COPY)."""
    reason = type(error).__name__ if type(error) is not psycopg.OperationalError else str(error)
    return DatabaseUnavailable(
        "the journal's database does not answer",
        got=reason.strip().splitlines()[0] if reason.strip() else None,
        where="CHAINSVC_DATABASE_URL",
        hint="Try again: what was stored all the same is found, not stored twice.",
    )
