// An origin in a few lines, to sign what an edge is given in the tests: the wire of core/SNAPSHOT.md, for tokens of full
// access whose users have every feature.
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";

const bytes = (size, write) => {
  const buffer = Buffer.alloc(size);
  write(buffer);
  return buffer;
};
const u16 = (value) => bytes(2, (at) => at.writeUInt16LE(value));
const u32 = (value) => bytes(4, (at) => at.writeUInt32LE(value));
const u64 = (value) => bytes(8, (at) => at.writeBigUInt64LE(BigInt(value)));
const text = (value) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
const sha256 = (data) => createHash("sha256").update(data).digest();
const digestOf = (hash) => Buffer.from(hash.slice("sha256:".length), "hex");

/** A key pair: what `sign` needs, and the public key in hex. */
export function keyOf(number) {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, number)]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const raw = createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32);
  return { secret, raw, hex: raw.toString("hex") };
}

/** Writes and signs a message. */
export function publish(key, { version, made, base, epoch = 1, maxAge = 60, names = false, records = [], revoked = [] }) {
  const rows = [...records].sort((a, b) => Buffer.compare(digestOf(a.hash), digestOf(b.hash)));
  const users = [...new Set(rows.map(({ user }) => user))].sort();
  const state = Buffer.concat([Buffer.from([2]), u16(0)]);
  const grant = Buffer.from([0, 0, 0, 0, 0]);
  const row = ({ hash, expires, user }) => Buffer.concat([digestOf(hash), u64(expires ?? 2n ** 40n - 1n), u32(users.indexOf(user))]);
  const some = users.length > 0;
  const sections = {
    revoked: Buffer.concat(revoked.map(({ hash }) => digestOf(hash)).sort(Buffer.compare)),
    states: some ? state : Buffer.alloc(0),
    users: Buffer.concat(users.map((user) => Buffer.concat([u32(0), text(user)]))),
    grants: some ? grant : Buffer.alloc(0),
    rows: Buffer.concat(rows.map(row)),
    names: names ? Buffer.concat(rows.map(({ id, name }) => Buffer.concat([text(id), text(name)]))) : Buffer.alloc(0),
  };
  const body = Buffer.concat(Object.values(sections));
  const head = Buffer.concat([
    Buffer.from("TLSN"),
    Buffer.from([1, base === undefined ? 1 : 2]),
    u16(names ? 1 : 0),
    sha256(key.raw).subarray(0, 8),
    ...[epoch, base ?? 0, version, made].map(u64),
    ...[maxAge, revoked.length, 0, some ? 1 : 0, users.length, some ? 1 : 0, rows.length].map(u32),
    ...[0, sections.states.length, sections.users.length, sections.grants.length, sections.names.length].map(u32),
    sha256(body),
  ]);
  const signature = sign(null, Buffer.concat([Buffer.from("tokenlatch snapshot v1 head\0"), head]), key.secret);
  return new Uint8Array(Buffer.concat([head, signature, body]));
}
