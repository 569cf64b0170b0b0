"""Secrets, token texts and hashes, by hashlib, hmac and zlib."""

import hashlib
import hmac
import re
import zlib

from . import decoding, names
from .decoding import Refused

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DECOY = "_" * 32
"""What is hashed when a header holds no secret."""


def checksum(text):
    """CRC-32 (ISO-HDLC) as seven base-36 digits, most significant first."""
    rest = zlib.crc32(text.encode())
    out = ""
    for _ in range(7):
        rest, digit = divmod(rest, 36)
        out = DIGITS[digit] + out
    return out


def token_text(secret, prefix=None):
    """What the owner is shown."""
    if prefix is None:
        return secret
    return f"{prefix}_{secret}{checksum(f'{prefix}_{secret}')}"


def read_token(text, path=None):
    """The secret inside a token text, else the first problem with it."""
    if "_" not in text:
        if len(text) != 32:
            raise Refused("token_length", path)
        if not set(text) <= set(LETTERS):
            raise Refused("token_character", path)
        return text
    prefix, _, rest = text.rpartition("_")
    if not names.is_prefix(prefix):
        raise Refused("token_prefix", path)
    if len(rest) != 39:
        raise Refused("token_length", path)
    if not set(rest) <= set(LETTERS):
        raise Refused("token_character", path)
    if checksum(f"{prefix}_{rest[:32]}") != rest[32:]:
        raise Refused("token_checksum", path)
    return rest[:32]


def secret_from(entropy, path="entropy"):
    """The secret and the record id that 64 bytes of entropy give: rejection sampling, byte by byte."""
    if not re.fullmatch(r"[0-9a-fA-F]{128}", entropy):
        raise Refused("entropy_length", path)
    drawn = bytes.fromhex(entropy)
    for start in range(len(drawn) - 7):
        if len(set(drawn[start : start + 8])) == 1:
            raise Refused("entropy_weak", path)
    letters = [LETTERS[byte % 36] for byte in drawn[:52] if byte < 252]
    if len(letters) < 32:
        raise Refused("entropy_weak", path)
    return "".join(letters[:32]), drawn[52:].hex()


def pepper(value, path):
    """A pepper: its id and its key as bytes."""
    reader = decoding.Reader(value, path)
    found = reader.take("id", decoding.string), reader.take("key", decoding.string)
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,32}", found[0]):
        raise Refused("pepper_invalid", f"{path}.id")
    if not re.fullmatch(r"([0-9a-fA-F]{2}){16,128}", found[1]):
        raise Refused("pepper_invalid", f"{path}.key")
    return found[0], bytes.fromhex(found[1])


def peppers(value, path):
    """Up to eight peppers, newest first, no id twice."""
    if len(decoding.array(decoding.anything)(value, path)) > 8:
        raise Refused("pepper_invalid", path)
    found = []
    for at, one in enumerate(value):
        found.append(pepper(one, f"{path}[{at}]"))
        if found[-1][0] in [earlier[0] for earlier in found[:-1]]:
            raise Refused("pepper_invalid", f"{path}[{at}].id")
    return found


def hash_of(secret, one_pepper=None):
    """The hash that is stored for a secret."""
    if one_pepper is None:
        return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()
    pepper_id, key = one_pepper
    return f"hmac-sha256:{pepper_id}:" + hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def hashes_of(secret, all_peppers):
    """One hash for each pepper, then the bare SHA-256."""
    return [hash_of(secret, one) for one in all_peppers] + [hash_of(secret)]


def stored_hash(text, path):
    """A hash as a record holds it."""
    decoding.string(text, path)
    kind, colon, rest = text.partition(":")
    if kind + colon == "sha256:":
        shape = r"[0-9a-f]{64}"
    elif kind + colon == "hmac-sha256:":
        shape = r"[a-zA-Z0-9_-]{1,32}:[0-9a-f]{64}"
    else:
        raise Refused("hash_kind_unsupported", path)
    if not re.fullmatch(shape, rest):
        raise Refused("hash_invalid", path)
    return text


def pepper_id_of(stored):
    """The id of the pepper under which a hash was made, or None."""
    return stored.split(":")[1] if stored.startswith("hmac-sha256:") else None
