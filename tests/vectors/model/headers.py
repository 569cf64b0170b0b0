"""The Authorization header: the grammar of OPERATIONS.md, "Authorization"."""

from . import names, tokens
from .decoding import Refused

USUAL = ("bearer", "cpanel", "whm")
"""The schemes that are accepted if nothing is chosen."""
REALMS = {"cpanel": ("account",), "whm": ("admin",)} | dict.fromkeys(("bearer", "basic", "scheme", "header"), ("account", "admin"))
"""The realms that each kind of credential serves."""


class Header:
    """What a header says, or why it can't be read."""

    def __init__(self, scheme=None, user=None, secret=tokens.DECOY, reason="ok"):
        self.scheme = scheme
        self.user = user
        self.secret = secret
        self.reason = reason


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
    if scheme not in USUAL:
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
