"""The Authorization header: the grammar of OPERATIONS.md, "Authorization"."""

from . import decoding, names, tokens
from .decoding import Refused

REALMS = {"cpanel": ("account",), "whm": ("admin",), "bearer": ("account", "admin")}
"""The realms that each scheme serves."""


class Header:
    """What a header says, or why it can't be read."""

    def __init__(self, scheme=None, user=None, secret=tokens.DECOY, reason="ok"):
        self.scheme = scheme
        self.user = user
        self.secret = secret
        self.reason = reason


def authorization(value, path):
    """A string, an array of strings, or null."""
    if value is None or isinstance(value, str):
        return value
    return decoding.array(decoding.string)(value, path)


def read(value):
    """Reads a header by the grammar `scheme 1*SP rest`."""
    if isinstance(value, list):
        if len(value) > 1:
            return Header(reason="header_repeated")
        value = value[0] if value else None
    if not value:
        return Header(reason="header_missing")
    malformed = Header(reason="header_malformed")
    if len(value.encode()) > 512 or any(not " " <= letter <= "~" for letter in value):
        return malformed
    scheme, space, rest = value.partition(" ")
    scheme = scheme.lower()
    if scheme == "" or not space or value.endswith(" "):
        return malformed
    if scheme not in REALMS:
        return Header(reason="scheme_unsupported")
    rest = rest.lstrip(" ")
    if rest == "" or " " in rest:
        return malformed
    user = None
    if scheme != "bearer":
        user, colon, rest = rest.partition(":")
        if not colon or not names.is_user(user):
            return malformed
    try:
        secret = tokens.read_token(rest)
    except Refused:
        return malformed
    return Header(scheme, user, secret)
