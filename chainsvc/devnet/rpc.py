"""The few JSON-RPC calls that a devnet makes to its own nodes, on the loopback interface."""

import http.client
import json
from typing import Any

from chainsvc.errors import NodeUnavailable

HOST = "127.0.0.1"
"""Where every node of a devnet listens."""

_TIMEOUT_SECONDS = 60.0


def call(port: int, method: str, *params: object) -> Any:
    """Return the result of one JSON-RPC call to a node of the devnet.

    Raises:
        NodeUnavailable: Nothing listens there, it answers with an error, or not in time.
    """
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NodeUnavailable(
            "the local devnet does not answer", where=f"{HOST}:{port}", got=error, hint="Run 'chainsvc devnet up'."
        ) from error
    finally:
        connection.close()
    if "result" not in answer:
        raise NodeUnavailable(f"the local devnet refused {method}", where=f"{HOST}:{port}", got=answer.get("error"))
    return answer["result"]
