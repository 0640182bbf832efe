"""Migrations build exactly the declared tables, on every PostgreSQL at hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine
from support.database import SYSTEM_SERVERS, Databases, system_server

from chainsvc.errors import StartRefused
from chainsvc.journal import schema
from chainsvc.journal.webhook_tables import deliveries

pytestmark = pytest.mark.database
metadata = deliveries.metadata

CATALOG = """
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 't' AND conname NOT LIKE 'alembic%%'
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL
SELECT 'column', table_name, column_name,
       concat_ws(' ', ordinal_position, data_type, is_nullable, column_default, is_identity, identity_generation)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL
SELECT 'sequence', '', sequence_name, data_type FROM information_schema.sequences WHERE sequence_schema = 'public'
"""


def catalog(conn: Connection) -> set[tuple[str, ...]]:
    return {
        tuple(row) for row in conn.exec_driver_sql(CATALOG, execution_options={"no_parameters": False}, parameters=())
    }


@pytest.fixture(scope="module", params=["embedded", *(str(path) for path in SYSTEM_SERVERS)])
def server(request: pytest.FixtureRequest) -> Iterator[Databases]:
    if request.param == "embedded":
        yield request.getfixturevalue("databases")
        return
    with system_server(Path(request.param)) as url:
        made = Databases(url)
        yield made
        made.close()


@pytest.fixture
def empty(server: Databases) -> Iterator[Engine]:
    with server.engine("template0") as engine:
        yield engine


def test_migrations_build_the_declared_tables(empty: Engine) -> None:
    assert schema.upgrade(empty) == schema.newest()
    with empty.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_build_the_declared_constraints_and_indexes(empty: Engine, server: Databases) -> None:
    schema.upgrade(empty)
    with server.engine("template0") as other:
        with other.begin() as conn:
            metadata.create_all(conn)
            declared = catalog(conn)
        with empty.connect() as conn:
            assert catalog(conn) == declared
    assert len(declared) > 200


def test_downgrade_leaves_nothing_and_upgrade_builds_it_again(empty: Engine) -> None:
    schema.upgrade(empty)
    with empty.connect() as conn:
        first = catalog(conn)
    schema.downgrade(empty, "base")
    with empty.connect() as conn:
        assert catalog(conn) == set()
        functions = conn.exec_driver_sql("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        assert functions.all() == []
    schema.upgrade(empty)
    with empty.connect() as conn:
        assert catalog(conn) == first


def test_upgrade_of_a_current_database_changes_nothing(empty: Engine) -> None:
    schema.upgrade(empty)
    assert schema.upgrade(empty) == schema.newest()
    schema.require_current(empty)


def test_start_is_refused_on_a_database_without_migrations(empty: Engine) -> None:
    with pytest.raises(StartRefused) as refusal:
        schema.require_current(empty)
    assert refusal.value.got == "an empty database"
    assert "chainsvc db upgrade" in str(refusal.value)
