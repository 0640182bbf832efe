"""The journal's tests run on the embedded PostgreSQL."""

from support.database import databases, embedded_server, engine

__all__ = ["databases", "embedded_server", "engine"]
