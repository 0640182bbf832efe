"""One module a revision, each with its SQL beside it."""
