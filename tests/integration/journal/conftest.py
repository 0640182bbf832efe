"""The journal's tests run on the embedded PostgreSQL."""

from support.database import _shared, databases, embedded_server, engine

__all__ = ["_shared", "databases", "embedded_server", "engine"]
