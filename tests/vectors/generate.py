#!/usr/bin/env python3
"""Writes the conformance vectors of this folder, from an independent model and Python's standard library alone.

Neither the module nor any of its source has a part in this: the model in `model/` is written from core/OPERATIONS.md,
hashes come from hashlib and hmac, signatures from RFC 8032's own formulas, checksums from zlib, networks from ipaddress, dates and zones from datetime and zoneinfo.

    generate.py           writes the files
    generate.py --check   writes nothing; exits with 1 where a file differs from what would be written
"""

import collections
import json
import pathlib
import sys

sys.dont_write_bytecode = True  # the folder holds data and its makers, nothing compiled

import published
from cases import admitting, asking, changing, choosing, failing, found, keeping, loading, locating, making, presenting, publishing, reading, replying, routing, signing, times, validating, wording, words

HERE = pathlib.Path(__file__).resolve().parent
CASES = (words, times, validating, making, presenting, admitting, locating, keeping, changing, replying, wording, reading, asking, loading, routing, choosing, publishing, signing, failing, found)

CODES = """
json_invalid request_too_large op_unknown field_missing field_unknown field_duplicate type_invalid value_invalid too_deep
record_version_unsupported hash_invalid hash_kind_unsupported name_empty name_too_long name_character user_empty user_too_long
user_character feature_invalid address_invalid addresses_too_many features_too_many record_too_large tokens_too_many creations_too_many call_ambiguous catalogue_invalid credentials_invalid pepper_invalid pepper_unknown
zone_invalid expiry_past expiry_out_of_range expiry_invalid now_invalid entropy_length entropy_weak name_taken prefix_invalid
account_mismatch account_suspended tokens_disabled feature_not_in_account expiry_required expiry_too_late token_length
token_character token_prefix token_checksum page_invalid record_revoked selection_invalid function_unknown hash_taken expiry_fixed access_exceeds_creator
key_invalid snapshot_signature snapshot_malformed snapshot_rollback snapshot_gap clock_backwards floor_in_future
""".split()
"""Every code that a vector can show. `table_unknown` needs a handle that is not live, which no vector can name, and `snapshot_too_large` a table of gigabytes."""

REASONS = """
ok header_missing header_repeated header_malformed scheme_unsupported token_unknown token_revoked realm_mismatch user_mismatch
token_expired account_unknown account_suspended tokens_disabled address_unknown address_refused api_unsupported
function_without_feature feature_not_granted feature_not_in_account read_only clock_invalid snapshot_missing clock_backwards snapshot_stale
target_doubtful route_unlisted public token_in_url cross_site
""".split()
"""Every reason of a verdict."""


def written(book):
    """A book as the text of its file: one vector a line."""
    lines = ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in book.vectors)
    return f'{{"about":{json.dumps(book.about)},"vectors":[\n{lines}\n]}}\n'


def counted(value, key, found):
    """Counts the values of a key, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get(key), str):
            found[value[key]] += 1
        for item in value.values():
            counted(item, key, found)
    elif isinstance(value, list):
        for item in value:
            counted(item, key, found)
    return found


def main():
    """Makes every file, then writes or compares them."""
    books = [book for cases in CASES for book in cases.books()]
    files = {f"{book.file}.json": written(book) for book in books} | {"nist.json": published.text()}
    expectations = [[vector["expect"], [step["expect"] for step in vector.get("steps", [])]] for book in books for vector in book.vectors]
    for kind, wanted in (("code", CODES), ("reason", REASONS)):
        found = counted(expectations, kind, collections.Counter())
        missing = [word for word in wanted if not found[word]]
        assert not missing, f"no vector shows {missing}"
    total = sum(len(book.vectors) for book in books)
    assert total >= 500
    here = {path.name for path in HERE.glob("*.json")}
    if "--check" in sys.argv[1:]:
        differing = [name for name, text in files.items() if name not in here or (HERE / name).read_text() != text]
        differing += sorted(here - set(files))
        for name in differing:
            print(f"{name} differs from what the generator writes", file=sys.stderr)
        sys.exit(1 if differing else 0)
    for name, text in files.items():
        (HERE / name).write_text(text)
    for book in books:
        print(f"{len(book.vectors):5} {book.file}.json")
    print(f"{total:5} vectors, and nist.json")


if __name__ == "__main__":
    main()
