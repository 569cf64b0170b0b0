"""Names, users, features and prefixes: RULES.md §1 and "Objects" of OPERATIONS.md."""

import string as ascii_sets

from . import decoding
from .decoding import Refused

ALNUM = frozenset(ascii_sets.ascii_letters + ascii_sets.digits)
NAME = ALNUM | frozenset("-_")
USER = ALNUM | frozenset("-_.@")
FEATURE = ALNUM | frozenset("-_.")
PREFIX = frozenset(ascii_sets.ascii_lowercase + ascii_sets.digits)


def _counted(kind, allowed, most):
    def check(text, path):
        decoding.string(text, path)
        if text == "":
            raise Refused(f"{kind}_empty", path)
        if len(text) > most:
            raise Refused(f"{kind}_too_long", path)
        if not set(text) <= allowed:
            raise Refused(f"{kind}_character", path)
        return text

    return check


name = _counted("name", NAME, 50)
user = _counted("user", USER, 64)


def is_user(text):
    """Whether a text can be a user at all."""
    return 1 <= len(text) <= 64 and set(text) <= USER


def feature(text, path):
    """One feature id."""
    decoding.string(text, path)
    if not 1 <= len(text) <= 64 or not set(text) <= FEATURE or text[0] not in ALNUM:
        raise Refused("feature_invalid", path)
    return text


def features(value, path):
    """A list of features: at most 1,000, none twice."""
    if len(decoding.array(decoding.string)(value, path)) > 1000:
        raise Refused("features_too_many", path)
    found = decoding.array(feature)(value, path)
    for at, one in enumerate(found):
        if one in found[:at]:
            raise Refused("feature_invalid", f"{path}[{at}]")
    return found


def is_prefix(text):
    """Whether a text can be the prefix of a token."""
    return 2 <= len(text) <= 16 and set(text) <= PREFIX and text[0] in ascii_sets.ascii_lowercase


def prefix(text, path):
    """The prefix of a token text."""
    if not is_prefix(decoding.string(text, path)):
        raise Refused("prefix_invalid", path)
    return text
