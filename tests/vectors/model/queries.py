"""A token in a query: OPERATIONS.md, Routes."""

import re

from . import tokens
from .decoding import Refused

KEYS = set(
    "token accesstoken authtoken apitoken bearertoken idtoken apikey xapikey accesskey secretkey key auth authorization xauthorization bearer "
    "credential credentials secret password passwd pass pwd".split()
)


def _decoded(text):
    return re.sub("%[0-9a-fA-F]{2}", lambda found: chr(int(found[0][1:], 16)), text)


def _is_token(word):
    try:
        tokens.read_token(word)
        return True
    except Refused:
        return False


def _words(text):
    return re.split("[^A-Za-z0-9_]+", text)


def has_token(target):
    """Whether the query of a target has a token where an API could look for one."""
    text = target.partition("?")[2].encode().decode("latin-1")
    for _ in range(4):
        if any("_" in word and _is_token(word) for word in _words(text)):
            return True
        for parameter in re.split("[&;?#]", text):
            key, _, value = parameter.partition("=")
            key = re.sub("[^a-z0-9]", "", re.sub("[A-Z]", lambda letter: letter[0].lower(), key.split("[", 1)[0]))
            if key in KEYS and any("_" not in word and _is_token(word) for word in _words(value)):
                return True
        text = _decoded(text)
    return False
