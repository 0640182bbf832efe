"""The local queue: records that wait for the service, in one SQLite file.

``file`` is the queue, ``database`` the file below it, ``schema`` what stands in it.
``draining`` sends what waits, ``carrying`` takes records there while the service is away, and ``background`` drains by
itself.
"""

from chainsvc.client.queue.draining import Drained
from chainsvc.client.queue.file import Queue
from chainsvc.client.queue.kept import DeadLetter, Pending, Queued

__all__ = ["DeadLetter", "Drained", "Pending", "Queue", "Queued"]
