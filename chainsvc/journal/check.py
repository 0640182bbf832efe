"""Does the journal agree with itself? Questions that no single constraint of the database can ask."""

from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One place where the journal contradicts itself.

    Attributes:
        rule: The rule that is broken, see :data:`RULES`.
        ledger: The ledger's id in hex, empty where the rule is about something else.
        detail: Where, and what was found.
    """

    rule: str
    ledger: str
    detail: str


RULES: dict[str, str] = {
    "seqs of a ledger are 0, 1, 2, … without a gap": """
        SELECT encode(coalesce(s.ledger_id, b.ledger_id), 'hex'),
               format('%s entries up to seq %s, %s lost, of %s', s.entries, s.high, b.lost, b.all)
        FROM (SELECT ledger_id, count(*) AS entries, max(seq) AS high FROM sealed GROUP BY ledger_id) AS s
        FULL JOIN (SELECT ledger_id, sum(lost) AS lost, sum(count) AS all FROM batches GROUP BY ledger_id) AS b
            ON b.ledger_id = s.ledger_id
        WHERE coalesce(s.entries, 0) + coalesce(b.lost, 0) <> coalesce(b.all, 0) OR s.high >= b.all
    """,
    "batches of a ledger are 0, 1, 2, … and each begins where the last ended": """
        SELECT encode(ledger_id, 'hex'), format('batch %s at %s, expected batch %s at %s', k, first, want_k, want)
        FROM (
            SELECT ledger_id, k, first, row_number() OVER w - 1 AS want_k,
                   coalesce(sum(count) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS want
            FROM batches WINDOW w AS (PARTITION BY ledger_id ORDER BY k)
        ) AS b WHERE k <> want_k OR first <> want
    """,
    "a batch has exactly its entries, and their sums": """
        SELECT encode(b.ledger_id, 'hex'), format('batch %s says %s entries, %s and %s; they are %s, %s and %s',
               b.k, b.count, b.credit, b.debit,
               count(e.entry_id), coalesce(sum(e.credit), 0), coalesce(sum(e.debit), 0))
        FROM batches AS b
        LEFT JOIN sealed AS s ON s.ledger_id = b.ledger_id AND s.k = b.k
        LEFT JOIN entries AS e ON e.ledger_id = s.ledger_id AND e.entry_id = s.entry_id
        GROUP BY b.ledger_id, b.k
        HAVING count(e.entry_id) <> b.count - b.lost
            OR min(s.seq) < b.first OR max(s.seq) > b.first + b.count - 1
            OR (coalesce(sum(e.credit), 0) <> b.credit AND (b.lost = 0 OR sum(e.credit) > b.credit))
            OR (coalesce(sum(e.debit), 0) <> b.debit AND (b.lost = 0 OR sum(e.debit) > b.debit))
    """,
    "entries of a batch are ascending by commitment": """
        SELECT encode(ledger_id, 'hex'), format('batch %s, seq %s', k, seq)
        FROM (
            SELECT s.ledger_id, s.k, s.seq, e.commitment,
                   lag(e.commitment) OVER (PARTITION BY s.ledger_id, s.k ORDER BY s.seq) AS before
            FROM sealed AS s JOIN entries AS e ON e.ledger_id = s.ledger_id AND e.entry_id = s.entry_id
        ) AS o WHERE before >= commitment
    """,
    "an entry without a seq lies in an open chunk, and an open chunk has one": """
        SELECT encode(coalesce(w.ledger_id, o.ledger_id), 'hex'), format('chunk %s', coalesce(w.chunk_id, o.chunk_id))
        FROM (
            SELECT DISTINCT e.ledger_id, e.chunk_id FROM entries AS e
            WHERE NOT EXISTS (SELECT FROM sealed AS s WHERE s.ledger_id = e.ledger_id AND s.entry_id = e.entry_id)
        ) AS w FULL JOIN open_chunks AS o ON o.ledger_id = w.ledger_id AND o.chunk_id = w.chunk_id
        WHERE w.chunk_id IS NULL OR o.chunk_id IS NULL
    """,
    "a chunk has exactly its entries": """
        SELECT encode(c.ledger_id, 'hex'), format('chunk %s says %s, has %s', c.chunk_id, c.n, count(e.entry_id))
        FROM chunks AS c LEFT JOIN entries AS e ON e.ledger_id = c.ledger_id AND e.chunk_id = c.chunk_id
        GROUP BY c.ledger_id, c.chunk_id
        HAVING count(e.entry_id) <> c.n OR max(e.entry_id) <> (c.chunk_id << 12) + c.n - 1
    """,
    "a ledger's running sums are those of its entries": """
        SELECT encode(l.ledger_id, 'hex'), format('running %s and %s, entries %s and %s', t.credit, t.debit,
               coalesce(e.credit, 0), coalesce(e.debit, 0))
        FROM ledgers AS l LEFT JOIN totals AS t ON t.ledger_id = l.ledger_id
        LEFT JOIN (
            SELECT ledger_id, sum(credit) AS credit, sum(debit) AS debit FROM (
                SELECT ledger_id, credit, debit FROM entries
                UNION ALL SELECT ledger_id, credit, debit FROM batches WHERE lost > 0
                UNION ALL SELECT b.ledger_id, -e.credit, -e.debit FROM batches AS b
                    JOIN sealed AS s ON s.ledger_id = b.ledger_id AND s.k = b.k
                    JOIN entries AS e ON e.ledger_id = s.ledger_id AND e.entry_id = s.entry_id WHERE b.lost > 0
            ) AS a GROUP BY ledger_id
        ) AS e ON e.ledger_id = l.ledger_id
        WHERE t.credit IS DISTINCT FROM coalesce(e.credit, 0) OR t.debit IS DISTINCT FROM coalesce(e.debit, 0)
    """,
    "every row about an entry has its entry": """
        SELECT encode(r.ledger_id, 'hex'), format('%s of entry %s', r.what, r.entry_id)
        FROM (
            SELECT 'refs' AS what, ledger_id, entry_id FROM refs
            UNION ALL SELECT 'seeds', ledger_id, entry_id FROM seeds
            UNION ALL SELECT 'payloads', ledger_id, entry_id FROM payloads
            UNION ALL SELECT 'sealed', ledger_id, entry_id FROM sealed
            UNION ALL SELECT 'cause', cause_ledger_id, cause_entry_id FROM marks WHERE cause_entry_id IS NOT NULL
        ) AS r WHERE NOT EXISTS (SELECT FROM entries AS e WHERE e.ledger_id = r.ledger_id AND e.entry_id = r.entry_id)
    """,
    "a record and its seed are kept together, under a chunk key": """
        SELECT encode(coalesce(s.ledger_id, p.ledger_id), 'hex'),
               format('entry %s', coalesce(s.entry_id, p.entry_id))
        FROM seeds AS s FULL JOIN payloads AS p ON p.ledger_id = s.ledger_id AND p.entry_id = s.entry_id
        LEFT JOIN chunks AS c ON c.ledger_id = s.ledger_id AND c.chunk_id = s.entry_id >> 12
        WHERE s.entry_id IS NULL OR p.entry_id IS NULL OR c.wrapped_key IS NULL
    """,
    "nothing is left of an erased record": """
        SELECT encode(x.ledger_id, 'hex'), format('entry %s', x.entry_id) FROM erasures AS x
        WHERE EXISTS (SELECT FROM seeds AS s WHERE s.ledger_id = x.ledger_id AND s.entry_id = x.entry_id)
            OR EXISTS (SELECT FROM payloads AS p WHERE p.ledger_id = x.ledger_id AND p.entry_id = x.entry_id)
            OR EXISTS (SELECT FROM refs AS r WHERE r.ledger_id = x.ledger_id AND r.entry_id = x.entry_id)
    """,
    "final batches of a ledger come before the others, in the order of the chain, each on the head before": """
        SELECT encode(ledger_id, 'hex'), format('batch %s', k)
        FROM (
            SELECT ledger_id, k, state, prev, block, lag(state) OVER w AS last_state,
                   lag(head, 1, decode(repeat('00', 32), 'hex')) OVER w AS last_head,
                   lag(block, 1, 0::bigint) OVER w AS last_block
            FROM batches WINDOW w AS (PARTITION BY ledger_id ORDER BY k)
        ) AS b WHERE state = 'final' AND (last_state <> 'final' OR prev <> last_head OR block < last_block)
    """,
    "a ledger that is held has lost entries": """
        SELECT encode(t.ledger_id, 'hex'), 'none is lost' FROM totals AS t
        WHERE t.behind AND NOT EXISTS (SELECT FROM batches AS b WHERE b.ledger_id = t.ledger_id AND b.lost > 0)
    """,
    "one transaction of a nonce is final or reverted": """
        SELECT '', format('sender %s, nonce %s: %s of them', encode(sender, 'hex'), nonce, count(*)) FROM transactions
        WHERE state IN ('final', 'reverted') GROUP BY sender, nonce HAVING count(*) > 1
    """,
    "what a submitted batch or mark is carried by may still be included": """
        SELECT encode(x.ledger_id, 'hex'), format('%s %s by a %s transaction', x.what, x.number, t.state)
        FROM (
            SELECT 'batch' AS what, ledger_id, k AS number, tx_hash FROM batches WHERE state = 'submitted'
            UNION ALL SELECT 'mark', ledger_id, mark_id, tx_hash FROM marks WHERE state = 'submitted'
        ) AS x JOIN transactions AS t ON t.hash = x.tx_hash WHERE t.state IN ('reverted', 'replaced')
    """,
    "a reverted transaction carries nothing final": """
        SELECT encode(b.ledger_id, 'hex'), format('batch %s', b.k)
        FROM batches AS b JOIN transactions AS t ON t.hash = b.tx_hash WHERE b.state = 'final' AND t.state = 'reverted'
    """,
    "final marks of an entry form one chain of status words": """
        SELECT encode(ledger_id, 'hex'), format('mark %s', mark_id)
        FROM (
            SELECT ledger_id, mark_id, prev, lag(word, 1, decode(repeat('00', 32), 'hex')) OVER (
                PARTITION BY ledger_id, entry_id ORDER BY block, log_index) AS before
            FROM marks WHERE state = 'final'
        ) AS m WHERE prev <> before
    """,
}
"""Rule to the query that finds where it is broken: (ledger id in hex, detail)."""


def disagreements(conn: Connection) -> tuple[Disagreement, ...]:
    """Return every place where the journal contradicts itself; reads all of it, in one snapshot.

    Call it in a ``REPEATABLE READ`` transaction when others write meanwhile.
    """
    return tuple(
        Disagreement(rule, ledger, detail)
        for rule, query in RULES.items()
        for ledger, detail in conn.exec_driver_sql(query, execution_options={"no_parameters": True})
    )
