"""A process that is killed between the receiver's having a message and the commit that says so."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from support.receiver import Receiver, Reply, until
from support.subscribed import Subscribed

from chainsvc.webhooks import Deliverer

pytestmark = pytest.mark.database

PROGRAM = """
import sys
from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey
from chainsvc.journal.engine import connect
from chainsvc.settings import load_settings
from chainsvc.webhooks import Deliverer

url, wrapped = sys.argv[1:]
settings = load_settings(webhook_allowed_networks=["127.0.0.0/8"], webhook_allow_http=True)
envelope = Envelope(KeyEncryptionKey(bytes(range(32))), bytes.fromhex(wrapped))
Deliverer(connect(url), envelope, settings).drain()
"""


@pytest.mark.parametrize("answered", [False, True], ids=["before the answer", "after the answer"])
def test_what_a_killed_process_had_sent_is_sent_again_under_the_same_id(
    subscribed: Subscribed,
    receiver: Receiver,
    engine: Engine,
    deliverer_with: Callable[..., Deliverer],
    answered: bool,  # noqa: FBT001 - parametrized
) -> None:
    answer = threading.Event()
    receiver.replies.append(Reply(200, after=answer))
    subscribed.anchor()
    deliverer = deliverer_with()
    url = engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, url, deliverer._envelope.wrapped_index_key.hex()])
    receiver.wait_for(1, 60)
    with engine.connect() as holding:
        if answered:  # and what came of it is on its way into the journal
            holding.exec_driver_sql("SELECT FROM deliveries FOR UPDATE")
            answer.set()
            until(lambda: _someone_waits(engine))
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    answer.set()
    (open_one,) = subscribed.deliveries()
    assert (open_one.state, open_one.attempts) == ("pending", 1)
    assert deliverer.drain() == 0, "its lease still runs"
    subscribed.hasten()
    assert deliverer.drain() == 1
    first, second = (came.message(subscribed.secret) for came in receiver.came)
    assert (first.message_id, first.data) == (second.message_id, second.data)
    assert subscribed.deliveries()[0].state == "delivered"


def _someone_waits(engine: Engine) -> bool:
    with engine.connect() as conn:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(conn.exec_driver_sql(query).scalar_one())
