"""Cases that the search for differences has found: see tests/README.md. Each file of `found` has the steps; the model answers."""

import json
import pathlib

import oracle

from .book import Book

FOLDER = pathlib.Path(__file__).parent.parent / "found"


def books():
    """One book."""
    book = Book("found", "Cases that the search for differences has found.")
    for path in sorted(FOLDER.glob("*.json")):
        steps = json.loads(path.read_text())["steps"]
        expected = oracle.answers(steps)
        assert None not in expected, f"the documents leave the answer to {path.name} open"
        _add(book, path.stem, steps, expected)
    return [book] if book.vectors else []


def _add(book, name, steps, expected):
    """Requests are vectors of their own; what is about a table or a snapshot is one."""
    opened = None
    for at, (step, expect) in enumerate(zip(steps, expected)):
        ((kind, value),) = step.items()
        if kind == "apply":
            value = {key: value[key] for key in ("message", "now")}
        if kind in ("request", "table", "snapshot"):
            opened = {"name": name if len(steps) == 1 or kind != "request" else f"{name}_{at}", kind: value, "expect": expect}
            opened |= {} if kind == "request" else {"steps": []}
            book.add(opened)
        else:
            opened["steps"].append({kind: value, "expect": expect})
