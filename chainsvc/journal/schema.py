"""Brings a database to the schema that this version of the journal needs."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from chainsvc.errors import StartRefused

MIGRATION_LOCK = 0x63686E73
"""Advisory lock ("chns"): two services that start together migrate one after the other."""


def upgrade(engine: Engine, revision: str = "head") -> str:
    """Run the missing migrations in one transaction and return the revision reached; nothing to do is fine."""
    with engine.begin() as conn:
        return upgrade_within(conn, revision)


def upgrade_within(conn: Connection, revision: str = "head") -> str:
    """Do the same inside the caller's transaction, with what else is to happen together with it."""
    conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    command.upgrade(_config(conn), revision)
    return current(conn)


def downgrade(engine: Engine, revision: str) -> None:
    """Take migrations back to ``revision`` (``base``: drop everything that was journalled)."""
    with engine.begin() as conn:
        downgrade_within(conn, revision)


def downgrade_within(conn: Connection, revision: str) -> None:
    """Do the same inside the caller's transaction."""
    conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    command.downgrade(_config(conn), revision)


def current(conn: Connection) -> str:
    """Return the database's revision, ``base`` when it has none."""
    return MigrationContext.configure(conn).get_current_revision() or "base"


def is_known(revision: str) -> bool:
    """Whether this version of chainsvc has the migration that leads to a revision."""
    known = {script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()}
    return revision in known


def newest() -> str:
    """Return the revision that this version of chainsvc needs."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or "base"


def require_current(engine: Engine) -> None:
    """Refuse to start on a database of another schema revision.

    Raises:
        StartRefused: Migrations are missing, or a newer version of chainsvc has already run some.
    """
    with engine.connect() as conn:
        found = MigrationContext.configure(conn).get_current_revision()
    if found != newest():
        raise StartRefused(
            "the database does not have the schema of this version",
            expected=newest(),
            got=found or "an empty database",
            hint="Run `chainsvc db upgrade`; if the database is newer, install the version that wrote it.",
        )


def _config(conn: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("chainsvc.journal") / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config
