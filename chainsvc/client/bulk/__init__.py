"""Any number of records: cut into windows, sent by the bulk routes, answered in order.

``windows`` reads ahead within bounds, ``lines`` makes the request of one ledger's part of a window, ``answers`` reads
what comes back line by line, and ``stream`` keeps one request under way while the next is made.
"""
