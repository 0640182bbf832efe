"""The command line, ``chainsvc``.

``commands`` lists every command; each is a function in a module of its noun, imported when it is called. Commands
that only need the base install talk to the service over HTTP or to nobody; those of the operator wire the service
parts by :mod:`chainsvc.bootstrap`. ``output`` shows results, ``refusals`` errors.
"""

from chainsvc.cli.app import app


def main() -> None:
    """Run the command line and end the process with its exit status."""
    app()


__all__ = ["app", "main"]
