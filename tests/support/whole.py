"""A whole service that answers over HTTP."""

from dataclasses import dataclass

from support.station import Station


@dataclass(frozen=True)
class Served:
    """A service that runs.

    Attributes:
        url: Its API.
        key: An API key with every scope of the station's organization.
        node: JSON-RPC of its node.
        station: Its parts.
    """

    url: str
    key: str
    node: str
    station: Station
