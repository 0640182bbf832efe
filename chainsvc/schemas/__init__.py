"""Record schemas: the kinds of record, their fields in Chinese and English, and the rules they keep.

A schema is one JSON Schema 2020-12 file in ``bodies`` that describes a record's ``body``. Members of
chainsvc's own: ``x-kind`` (kinds of ledger), ``x-money`` (where credit and debit come from),
``x-effect`` (what it does to another record's standing), ``x-title-en`` and ``x-personal``.
"""

from chainsvc.schemas.catalog import all_schemas, schema_of
from chainsvc.schemas.envelope import check_record
from chainsvc.schemas.schema import Effect, Field, Money, Schema

__all__ = ["Effect", "Field", "Money", "Schema", "all_schemas", "check_record", "schema_of"]
