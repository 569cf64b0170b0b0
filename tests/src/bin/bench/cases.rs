//! The cases that the benchmark measures.

/// A case. Its name is also the name of its file in `tests/runners/js/bench/cases`.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The description below the table.
    pub(crate) about: &'static str,
    /// Whether the case exists only in JavaScript.
    pub(crate) javascript: bool,
}

/// All cases, in the order of the table.
pub(crate) const ALL: &[Case] = &[
    ours(
        "table",
        "header → verdict in a table of the module, all tokens in random order, each seen before",
    ),
    ours("table-hot", "the same table, 256 of its tokens in use"),
    ours(
        "routes-10",
        "the table with 256 tokens in use and a catalogue of 10 routes: method and path → route → verdict, another path each time",
    ),
    ours("routes-1000", "the same with 1,000 routes"),
    ours(
        "snapshot",
        "header → verdict in a signed snapshot of the same tokens, names among them, in the same order",
    ),
    peer(
        "verify-many",
        "`verifyMany` of the table in batches of 1,024, random order; the time is that of one header",
    ),
    peer(
        "table-update",
        "one record of 4,096 changes, and its token is verified: a verdict that isn't kept yet",
    ),
    ours("record", "header, record and account as objects → verdict"),
    ours("create", "a new token, random bytes from the system included"),
    peer(
        "node-crypto-map",
        "by hand: `node:crypto`, one `Map`, `timingSafeEqual`; user, expiry, account, function; random order",
    ),
    peer("node-crypto-map-hot", "the same, 256 of the tokens in use"),
    peer(
        "node-crypto-map-bare",
        "by hand without `timingSafeEqual`, random order",
    ),
    peer(
        "noble-sha256-map",
        "by hand with `@noble/hashes` and a `Map`, random order",
    ),
    peer(
        "prefixed-api-key",
        "`checkAPIKey` against a hash at hand: no look-up, no expiry",
    ),
    peer(
        "better-auth",
        "`verifyApiKey` of `@better-auth/api-key`, in-memory adapter with 64 keys, its limit on attempts off",
    ),
    peer(
        "jose-hs256",
        "`jwtVerify` with the secret's bytes, as its documentation shows it; nothing is looked up, so nothing can be revoked",
    ),
    peer("jose-hs256-key", "the same with a key imported once"),
    peer("jose-eddsa", "`jwtVerify` with Ed25519"),
    peer("paseto-v4", "v4.public by `paseto` 4 (the author of `jose`)"),
    peer(
        "biscuit",
        "`@biscuit-auth/biscuit-wasm`: text → authorized, Ed25519 and one date",
    ),
    peer("sha256-create-hash", "`createHash('sha256')` of 32 characters alone"),
    ours(
        "sha256-block",
        "SHA-256 of 32 characters alone, the quickest way there is: the physical limit",
    ),
    ours("empty", "the loop itself; every figure holds it"),
];

const fn ours(name: &'static str, about: &'static str) -> Case {
    Case {
        name,
        about,
        javascript: false,
    }
}

const fn peer(name: &'static str, about: &'static str) -> Case {
    Case {
        name,
        about,
        javascript: true,
    }
}
