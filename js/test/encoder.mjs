// Encodes snapshots and deltas byte by byte as `core/SNAPSHOT.md` describes them, without the module: for the origin of the tests, which
// signs at the current time.
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";

const DOMAIN = Buffer.from("tokenlatch snapshot v1 head\0");
const NEVER = 2n ** 40n - 1n;

/** Makes an Ed25519 key from a seed, and its public key in hex. */
export function keyOf(seedByte) {
  const seed = Buffer.alloc(32, seedByte);
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicBytes = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return { privateKey, publicBytes, publicHex: publicBytes.toString("hex") };
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

function number(bytes, value) {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out.subarray(0, bytes);
}

function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(1, bytes.length), bytes]);
}

const inOrder = (texts) => [...texts].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));

function stateOf({ suspended = false, features }) {
  const list = features === "all" ? [] : inOrder(features);
  return Buffer.concat([number(1, Number(suspended) | (features === "all" ? 2 : 0)), number(2, list.length), ...list.map(text)]);
}

function grantOf({ readOnly, access, realm, addresses }) {
  const features = access === "full" ? [] : access.features;
  const flags = Number(readOnly) | (access === "full" ? 0 : 2) | (realm === "admin" ? 4 : 0);
  const blocks = addresses.map((address) => {
    const [plain, length = "32"] = address.split("/"); // IPv4 is enough for these tests
    return Buffer.concat([number(1, 4), number(1, Number(length)), Buffer.from(plain.split(".").map(Number))]);
  });
  return Buffer.concat([number(1, flags), text(""), number(2, features.length), ...features.map(text), number(1, blocks.length), ...blocks]);
}

export const digestOf = (record) => Buffer.from(record.hash.split(":").at(-1), "hex");

/** Numbers distinct byte strings in order of appearance. */
function numbering() {
  const known = new Map();
  const list = [];
  return {
    list,
    of(bytes) {
      const key = bytes.toString("hex");
      if (!known.has(key)) known.set(key, list.push(bytes) - 1);
      return known.get(key);
    },
  };
}

/**
 * Encodes a message. `records` are the rows (all in a snapshot, new and changed ones in a delta), `accounts` those whose state is given;
 * `revoked` records and `removed` users are for deltas only.
 */
export function encode(message) {
  const { kind, key, epoch, base = 0, version, made, maxAge, names, records = [], accounts = [], revoked = [], removed = [] } = message;
  const states = numbering();
  const byUser = new Map(accounts.map((account) => [account.user, account]));
  const users = inOrder(new Set([...byUser.keys(), ...records.map(({ user }) => user)]));
  const userBytes = users.map((user) => Buffer.concat([number(4, byUser.has(user) ? states.of(stateOf(byUser.get(user))) : 0xffffffff), text(user)]));
  const grants = numbering();
  const sorted = [...records].sort((one, other) => Buffer.compare(digestOf(one), digestOf(other)));
  const rows = sorted.map((record) => {
    const expiry = record.expires === null ? NEVER : BigInt(record.expires);
    const isRevoked = typeof record.revoked === "number" ? 1n << 63n : 0n;
    const packed = expiry | (BigInt(grants.of(grantOf(record))) << 40n) | isRevoked;
    return Buffer.concat([digestOf(record), number(8, packed), number(4, users.indexOf(record.user))]);
  });
  const sections = [
    Buffer.concat(revoked.map(digestOf).sort(Buffer.compare)),
    Buffer.concat(inOrder(removed).map(text)),
    Buffer.concat(states.list),
    Buffer.concat(userBytes),
    Buffer.concat(grants.list),
    Buffer.concat(rows),
    names ? Buffer.concat(sorted.map(({ id, name }) => Buffer.concat([text(id), text(name)]))) : Buffer.alloc(0),
  ];
  const body = Buffer.concat(sections);
  const counts = [revoked.length, removed.length, states.list.length, users.length, grants.list.length, rows.length];
  const lengths = [1, 2, 3, 4, 6].map((at) => sections[at].length);
  const head = Buffer.concat([
    Buffer.from("TLSN"),
    number(1, 1),
    number(1, kind === "snapshot" ? 1 : 2),
    number(2, names ? 1 : 0),
    sha256(key.publicBytes).subarray(0, 8),
    ...[epoch, base, version, made].map((value) => number(8, value)),
    number(4, maxAge),
    ...[...counts, ...lengths].map((value) => number(4, value)),
    sha256(body),
  ]);
  return Buffer.concat([head, sign(null, Buffer.concat([DOMAIN, head]), key.privateKey), body]);
}
