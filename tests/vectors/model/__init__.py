"""An independent model of core/OPERATIONS.md, written from the documents and Python's standard library alone."""
