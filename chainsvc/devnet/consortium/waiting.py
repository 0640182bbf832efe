"""Waiting for the chain to move."""

import time

from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.views import views
from chainsvc.errors import NodeUnavailable

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1


def wait_sealing(consortium: Consortium, above: int = 0) -> None:
    """Wait until every validator that answers has a block above this number.

    Raises:
        NodeUnavailable: None answers, or not in time.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        seen = [view for view in views(consortium).values() if view is not None]
        if seen and all(view.height > above for view in seen):
            return
        if time.monotonic() > deadline:
            heights = ", ".join(str(view.height) for view in seen) or "no validator answers"
            raise NodeUnavailable(
                "the devnet seals no blocks",
                expected=f"blocks above {above} within {_PATIENCE_SECONDS:.0f} s",
                got=heights,
                where=str(consortium.folder / "logs"),
                hint="'chainsvc devnet watch' tells why.",
            )
        time.sleep(_POLL_SECONDS)
