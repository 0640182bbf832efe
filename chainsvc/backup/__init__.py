"""Backups: what the journal holds at one moment, in files that any later restore can check and prove.

A backup is a folder (:mod:`chainsvc.backup.manifest` is its format)::

    manifest.json        what is in it: tables, rows, SHA-256, network, schema, ledgers with their heads; written last
    journal/*.copy       every table but two, kept as long as the journal itself
    seeds/*.copy         seeds and references: what an erasure deletes; kept for days, then deleted
    keys.sealed          the service's keys under a passphrase, only if asked for

All tables are read in one snapshot while the service goes on. Without the seeds nobody can read the records in
``journal/payloads.copy``, so an erasure takes effect in the backups too as soon as their seeds are gone.

============ ===========================================================
module       what it does
============ ===========================================================
manifest     the list of what a backup holds
contents     which tables go into which part, in which order
copying      one table to a file and back, with PostgreSQL's COPY
making       a backup, whole or not at all
checking     are the files what the manifest says
loading      an empty database becomes that of the backup, or nothing happens
sealed_keys  the service's keys under a passphrase
discovering  ledgers that were opened after the backup
sources      files that may hold what the journal lost
recovering   entries that the chain has and the journal lost come back
proving      does the restored journal agree with itself and with the chain
============ ===========================================================
"""
