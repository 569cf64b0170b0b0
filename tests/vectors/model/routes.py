"""Routes: which one a method and a target name, by reading every route. OPERATIONS.md, Routes."""

import re
from urllib.parse import unquote_to_bytes

from . import decoding, names
from .decoding import Refused

MOST = 10_000
"""The most routes of a catalogue."""
LONGEST = 2048
"""The most bytes of a path."""
REFUSED = set("\"<>\\^`{|}#;?")
"""Characters that a path never holds: servers disagree about them."""
DOUBTFUL_DECODED = set(b"/\\%;#?")
"""Bytes that mean something else once they are decoded."""
UNRESERVED = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
METHOD_PARAMETERS = {b"_method", b"x-http-method", b"x-http-method-override", b"x-method-override"}
"""Parameters by which some servers let a query change the method."""
METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
LITERAL, PARAMETER, REST = 0, 1, 2


def _decoded(segment):
    """A segment with its escapes decoded, or None if two servers could read it differently."""
    found, at = bytearray(), 0
    while at < len(segment):
        letter = segment[at]
        if letter in REFUSED or not "!" <= letter <= "~":
            return None
        if letter != "%":
            found.append(ord(letter))
            at += 1
            continue
        digits = segment[at + 1:at + 3]
        if not re.fullmatch("[0-9a-fA-F]{2}", digits):
            return None
        byte = int(digits, 16)
        if byte in UNRESERVED or byte in DOUBTFUL_DECODED or byte < 0x20 or byte == 0x7F:
            return None
        found.append(byte)
        at += 3
    try:
        text = found.decode()
    except UnicodeDecodeError:
        return None
    if text.startswith(".") and set(text) <= set(". "):
        return None
    return text


def _says_method(query):
    """Whether a server could take a parameter for the method: in any case, and escaped up to three times."""
    for pair in re.split("[&;?]", query):
        layer = pair.split("=")[0].replace("+", " ").encode()
        for _ in range(4):
            if any(part.strip(b" \t\n\x0c\r").lower() in METHOD_PARAMETERS for part in re.split(rb"[&;?=#\0]", layer)):
                return True
            layer = unquote_to_bytes(layer)
    return False


def segments_of(target):
    """
    The segments of a target's path, each decoded and as it is written, the last one empty after a final slash; None if the target
    is doubtful.
    """
    path, _, query = target.partition("?")
    if _says_method(query):
        return None
    if not path.startswith("/") or len(path.encode()) > LONGEST:
        return None
    if "#" in target or not all("!" <= letter <= "~" for letter in target):
        return None
    parts = [(_decoded(part), part) for part in path[1:].split("/")]
    texts = [text for text, _ in parts]
    if None in texts or "" in texts[:-1]:
        return None
    return parts


def is_method(method):
    """Whether every server reads the method the same way."""
    return METHOD.fullmatch(method) is not None and method == method.upper()


def _template(path, place):
    """The segments of a route: kind, text and how it is written each."""
    def wrong():
        raise Refused("catalogue_invalid", place)

    if not path.startswith("/") or len(path.encode()) > LONGEST:
        wrong()
    parts, found, used = path[1:].split("/"), [], set()
    for at, part in enumerate(parts):
        named = re.fullmatch(r"\{(\*?)([A-Za-z0-9_]{1,32})\}", part)
        if named is None:
            text = _decoded(part)
            if text is None or (text == "" and at + 1 < len(parts)):
                wrong()
            found.append((LITERAL, text, part))
            continue
        if named[2] in used or (named[1] and at + 1 < len(parts)):
            wrong()
        used.add(named[2])
        found.append((REST if named[1] else PARAMETER, "", ""))
    return found


def route(value, path):
    """One route with its defaults filled in."""
    reader = decoding.Reader(value, path)
    found = {
        "method": reader.take("method", decoding.string),
        "path": reader.take("path", decoding.string),
        "feature": reader.take("feature", decoding.nullable(names.feature)),
        "writes": reader.take("writes", decoding.boolean),
        "public": reader.take("public", decoding.boolean, False),
    }
    method = found["method"]
    if method != "*" and (not is_method(method) or method == "HEAD"):
        raise Refused("catalogue_invalid", reader.at("method"))
    found["shape"] = _template(found["path"], reader.at("path"))
    if found["public"]:
        if method == "*" or found["shape"][0][0] == REST or found["feature"] is not None:
            raise Refused("catalogue_invalid", reader.at("public"))
    return found


def routes(value, path):
    """Routes, each method and shape once, and each text that follows the same segments written in one way."""
    if isinstance(value, list) and len(value) > MOST:
        raise Refused("catalogue_invalid", path)
    found = decoding.array(route)(value, path)
    seen, spellings = set(), {}
    for one in found:
        shape = tuple(one["shape"])
        key = (one["method"], shape)
        if key in seen:
            raise Refused("catalogue_invalid", path)
        seen.add(key)
        for at, (kind, text, written) in enumerate(shape):
            if kind == LITERAL and spellings.setdefault((shape[:at], text), written) != written:
                raise Refused("catalogue_invalid", path)
    return found


def _fits(shape, parts, folds):
    """Whether a shape names a path, with or without regard to the case of ASCII letters and to escapes."""
    def same(text, written, part):
        return text.encode().lower() == part[0].encode().lower() if folds else written == part[1]

    for at, (kind, text, written) in enumerate(shape):
        if kind == REST:
            return len(parts) > at and parts[at:] != [("", "")]
        if at >= len(parts):
            return False
        if kind == LITERAL and not same(text, written, parts[at]):
            return False
        if kind == PARAMETER and parts[at][0] == "":
            return False
    return len(shape) == len(parts)


def _rank(shape):
    return [kind for kind, _, _ in shape]


def _best(all_routes, parts, folds=False):
    """The shape that names the path: the first, segment by segment from the left, of literal, parameter, rest."""
    fitting = [one["shape"] for one in all_routes if _fits(one["shape"], parts, folds)]
    return min(fitting, key=lambda shape: (_rank(shape), [text.encode() for _, text, _ in shape]), default=None)


def _is_above(near, shape):
    """Whether a shape is more specific than another, as far as both go."""
    for one, other in zip(_rank(near), _rank(shape)):
        if one != other:
            return one < other
    return False


def find(all_routes, method, target):
    """
    What a method and a target name: "doubtful", "unlisted", or the route, and whether servers might take the request for one of a
    more specific route.
    """
    parts = segments_of(target)
    if parts is None or not is_method(method):
        return "doubtful"
    method = "GET" if method == "HEAD" else method
    exact = _best(all_routes, parts)
    slashed = parts[:-1] if parts[-1][0] == "" and len(parts) > 1 else parts + [("", "")]
    for other in (parts, slashed):
        near = _best(all_routes, other, folds=True)
        if near is not None and near != exact and (exact is None or _is_above(near, exact)):
            return _of_shape(all_routes, near, method, True)
    return "unlisted" if exact is None else _of_shape(all_routes, exact, method, False)


def _of_shape(all_routes, shape, method, near):
    for wanted in (method, "*"):
        for one in all_routes:
            if one["shape"] == shape and one["method"] == wanted:
                return one, near
    return "unlisted"
