"""Ed25519 by the text of RFC 8032, 5.1, with Python's whole numbers: slow, and independent of every library."""

import functools
import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
"""A square root of −1."""


def _recover_x(y, sign):
    squared = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(squared, (P + 3) // 8, P)
    if (x * x - squared) % P:
        x = x * ROOT % P
    return P - x if x & 1 != sign else x


def _point(x, y):
    """A point in the extended coordinates of RFC 8032, 5.1.4."""
    return x, y, 1, x * y % P


BASE = _point(_recover_x(4 * pow(5, P - 2, P) % P, 0), 4 * pow(5, P - 2, P) % P)


def _add(one, other):
    """The sum of two points: the formulas of RFC 8032, 5.1.4, which serve for doubling too."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor, point):
    total = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _written(point):
    x, y, z, _ = point
    one = pow(z, P - 2, P)
    return (y * one % P | (x * one % P & 1) << 255).to_bytes(32, "little")


def _secret(seed):
    drawn = hashlib.sha512(seed).digest()
    factor = int.from_bytes(drawn[:32], "little") & (2**254 - 8) | 2**254
    return factor, drawn[32:]


def _number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


@functools.cache
def public_key(seed):
    """The public key of 32 secret bytes."""
    return _written(_times(_secret(seed)[0], BASE))


def _answer(seed, nonce, point, message):
    factor, _ = _secret(seed)
    answer = (nonce + _number(point, public_key(seed), message) * factor) % ORDER
    return point + answer.to_bytes(32, "little")


def sign(seed, message, other_point=lambda point: point):
    """The signature of a message; with another R, the one that fits it but for R itself."""
    nonce = _number(_secret(seed)[1], message) % ORDER
    return _answer(seed, nonce, other_point(_written(_times(nonce, BASE))), message)


def sign_at_neutral(seed, message, point):
    """A signature whose R is the neutral point, in an encoding of the caller's."""
    return _answer(seed, 0, point, message)


def stretched(signature):
    """The same signature with the group's order added to S: good to a verifier that doesn't look (RFC 8032, 8.4)."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
