"""Python imports this by itself in a service of a drill: its clock runs as many seconds off as a file says.

The true time is the machine's; CLOCK_OFFSET_FILE names 8 bytes, a double, which may change at any moment. Intervals
(``time.monotonic``) stay true, as they do when an administrator or NTP sets a clock.
"""

import mmap
import os
import struct
import time

if "CLOCK_OFFSET_FILE" in os.environ:
    with open(os.environ["CLOCK_OFFSET_FILE"], "rb") as _file:  # noqa: PTH123 - nothing more is imported this early
        _offset = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)
    _true = time.time

    def _shifted() -> float:
        (seconds,) = struct.unpack("d", _offset[:8])
        return _true() + float(seconds)

    time.time = _shifted
