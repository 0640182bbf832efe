"""The journal's database."""

import typer

from chainsvc.cli.output import facts, output_of
from chainsvc.ground import open_journal
from chainsvc.journal import schema
from chainsvc.settings import load_settings


def upgrade(context: typer.Context) -> None:
    """Bring the database to this version's schema.

    Starting the service does it too; beforehand it shows whether it can.
    """
    settings, output = load_settings(), output_of(context)
    with output.working("Opening the journal …"), open_journal(settings) as engine:
        revision = schema.upgrade(engine)
    where = "CHAINSVC_DATABASE_URL" if settings.database_url else str(settings.home / "postgres")
    output.answer({"revision": revision, "database": where}, facts([("Schema", revision), ("Database", where)]))
