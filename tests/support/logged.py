"""What the code under test logs."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from chainsvc.logs import clear_contextvars, setup_logs


@contextmanager
def logging_to_memory(*, pretty: bool = False) -> Iterator[io.StringIO]:
    """Set the process's logs up as the service does, into memory, and put back what was there."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers[:], root.level
    setup_logs(stream=stream, pretty=pretty)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        yield stream
    finally:
        clear_contextvars()
        root.handlers, root.level = before, level
