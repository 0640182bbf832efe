"""No-code adapters: exports of business systems become records.

The tree reads as the data flows::

    feeds      bytes -> sheets of rows            (CSV, XLSX, XLS; every row keeps its number)
    columns    sheet -> table                     (banner, header, total row; headers by name)
    cells, amounts, days   cell -> value          (pure)
    charity, marriage, subsidy   row -> drafts    (pure; one form of export each)
    export     drafts + ledgers -> records and refusals
    send       records -> notary, with a summary
    corrections   refusals -> a file of the same form, to be corrected and sent again
    totals     the total row against the rows

``registry`` finds the adapter that knows a file's headers. Nothing here knows HTTP.
"""
