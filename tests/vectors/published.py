"""Published values of SHA-256, HMAC-SHA-256 and CRC-32, for a unit test of the core.

The operations only ever hash 32 characters, so no vector can reach these; each literal below is checked against Python's own
hashlib, hmac and zlib before it is written.
"""

import hashlib
import hmac
import json
import zlib

SHA256 = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".hex(),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ),
    (
        b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu".hex(),
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ),
    ("bd", "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"),
    ("c98c8e55", "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504"),
]
"""FIPS 180-4 and the examples that NIST publishes with it."""

HMAC_SHA256 = [
    ("0b" * 20, b"Hi There".hex(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe".hex(),
        b"what do ya want for nothing?".hex(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)).hex(), "cd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        "aa" * 131,
        (
            b"This is a test using a larger than block-size key and a larger than block-size data. "
            b"The key needs to be hashed before being used by the HMAC algorithm."
        ).hex(),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]
"""RFC 4231, cases 1 to 4, 6 and 7."""

CRC32 = [("123456789", "cbf43926"), ("", "00000000"), ("The quick brown fox jumps over the lazy dog", "414fa339")]
"""The check value of CRC-32/ISO-HDLC, and two texts whose sums are widely printed."""


def text():
    """The text of nist.json."""
    for message, digest in SHA256:
        assert hashlib.sha256(bytes.fromhex(message)).hexdigest() == digest, message
    for key, message, tag in HMAC_SHA256:
        assert hmac.new(bytes.fromhex(key), bytes.fromhex(message), hashlib.sha256).hexdigest() == tag, key
    for message, crc in CRC32:
        assert f"{zlib.crc32(message.encode()):08x}" == crc, message
    groups = {
        "sha256": [{"message_hex": message, "digest": digest} for message, digest in SHA256],
        "hmac_sha256": [{"key_hex": key, "message_hex": message, "tag": tag} for key, message, tag in HMAC_SHA256],
        "crc32": [{"text": message, "crc": crc} for message, crc in CRC32],
    }
    shown = ",\n".join(f'"{name}":[\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]" for name, rows in groups.items())
    return "{" + shown + "}\n"
