// Fixtures for the benchmarks: many tokens of 1,000 users, signed snapshots and deltas of them, and the plain module.
import { createHash, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { encode, keyOf } from "../test/encoder.mjs";

export const USERS = 1000;
export const NOW = Math.floor(Date.now() / 1000);
export const KEY = keyOf(1);
const ROW = 44;
const DOMAIN = Buffer.from("tokenlatch snapshot v1 head\0");
const accounts = Array.from({ length: USERS }, (_, user) => ({ user: userOf(user), features: "all" }));

function userOf(token) {
  return `user${String(token % USERS).padStart(3, "0")}`;
}

const secretOf = (token) => `BENCHMARK${token.toString(36).toUpperCase().padStart(23, "0")}`;

/** The header of a token by its number. */
export const headerOf = (token) => `cpanel ${userOf(token)}:${secretOf(token)}`;

/** The record of a token, as a store of the package has it. */
export function recordOf(token) {
  const hashed = `sha256:${createHash("sha256").update(secretOf(token)).digest("hex")}`;
  const id = `tk_${token.toString(16).padStart(16, "0")}`;
  const rest = { v: 1, id, created: NOW, expires: null, access: "full", readOnly: false, addresses: [], realm: "account", revoked: null };
  return { ...rest, user: userOf(token), name: `token-${token}`, hash: hashed };
}

/** A signed snapshot of the tokens 0 to `count`. */
export function snapshotOf(count, version, names = false) {
  const heading = { kind: "snapshot", key: KEY, epoch: 1, version, made: NOW, maxAge: 86_400, names };
  // The tests' encoder makes all but the rows; a million of them are made at once.
  const few = encode({ ...heading, names: false, accounts, records: [recordOf(0)] });
  const digests = Buffer.alloc(32 * count);
  const order = new BigUint64Array(count);
  for (let token = 0; token < count; token++) {
    digests.set(createHash("sha256").update(secretOf(token)).digest(), 32 * token);
    order[token] = ((digests.readBigUInt64BE(32 * token) >> 20n) << 20n) | BigInt(token);
  }
  order.sort();
  const rows = Buffer.alloc(ROW * count);
  const rest = Buffer.from(few.subarray(few.length - ROW + 32));
  for (let at = 0; at < count; at++) {
    const token = Number(order[at] & 0xf_ffffn);
    rows.set(digests.subarray(32 * token, 32 * token + 32), ROW * at);
    rows.set(rest, ROW * at + 32);
    rows.writeUInt32LE(token % USERS, ROW * at + 40);
  }
  const body = Buffer.concat([few.subarray(192, few.length - ROW), rows]);
  const head = Buffer.from(few.subarray(0, 128));
  head.writeUInt32LE(count, 72);
  head.set(createHash("sha256").update(body).digest(), 96);
  return Buffer.concat([head, sign(null, Buffer.concat([DOMAIN, head]), KEY.privateKey), body]);
}

/** A delta with some revocations and some new tokens. */
export function deltaOf(version, revoked, fresh) {
  const records = fresh.map(recordOf);
  const users = new Set(records.map(({ user }) => user));
  const heading = { kind: "delta", key: KEY, epoch: 1, base: version - 1, version, made: NOW, maxAge: 86_400, names: false };
  return encode({ ...heading, revoked: revoked.map(recordOf), records, accounts: accounts.filter(({ user }) => users.has(user)) });
}

/** A number of different random numbers below a limit. */
export function picks(count, below) {
  const order = Uint32Array.from({ length: below }, (_, at) => at);
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(Math.random() * (below - at));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order.subarray(0, count);
}

/** The module through its plain face, which needs no imports. */
export class Plain {
  constructor() {
    const compiled = new WebAssembly.Module(readFileSync(new URL("../dist/module/tokenlatch.wasm", import.meta.url)));
    const imports = {};
    for (const { module, name } of WebAssembly.Module.imports(compiled)) {
      (imports[module] ??= {})[name] = () => {
        throw new Error(`the import ${name} was reached`);
      };
    }
    this.module = new WebAssembly.Instance(compiled, imports).exports;
  }

  /** Bytes of its memory. It never shrinks, so this is the maximum so far. */
  get memory() {
    return this.module.memory.buffer.byteLength;
  }

  put(bytes) {
    const at = this.module.tokenlatch_alloc(bytes.length) >>> 0;
    if (at === 0) throw new Error("the module has no memory left");
    new Uint8Array(this.module.memory.buffer, at, bytes.length).set(bytes);
    return [at, bytes.length];
  }

  /** Copies the bytes of an answer. */
  take(answer) {
    const packed = BigInt.asUintN(64, answer);
    const place = [Number(packed >> 32n), Number(packed & 0xffff_ffffn)];
    const bytes = new Uint8Array(this.module.memory.buffer, ...place).slice();
    this.module.tokenlatch_free(...place);
    return bytes;
  }

  answer(packed) {
    const answer = JSON.parse(Buffer.from(this.take(packed)).toString());
    if (answer.error) throw new Error(JSON.stringify(answer.error));
    return answer.ok;
  }

  /** Opens a snapshot and returns its handle. */
  open() {
    const place = this.put(Buffer.from(JSON.stringify({ publicKeys: [KEY.publicHex] })));
    const { table } = this.answer(this.module.tokenlatch_snapshot_new(...place));
    this.module.tokenlatch_free(...place);
    return table;
  }

  /** Applies a message in chunks. Returns the milliseconds in the module alone, and with copying. */
  load(snapshot, message) {
    const began = performance.now();
    let inside = 0;
    const timed = (call) => {
      const from = performance.now();
      const packed = call();
      inside += performance.now() - from;
      return this.answer(packed);
    };
    const sent = (bytes, call) => {
      const place = this.put(bytes);
      timed(() => call(...place));
      this.module.tokenlatch_free(...place);
    };
    sent(message.subarray(0, 192), (at, length) => this.module.tokenlatch_snapshot_begin(snapshot, at, length, BigInt(NOW)));
    for (let from = 192; from < message.length; from += 1 << 18) {
      sent(message.subarray(from, from + (1 << 18)), (at, length) => this.module.tokenlatch_snapshot_push(snapshot, at, length));
    }
    timed(() => this.module.tokenlatch_snapshot_commit(snapshot));
    return { inside, whole: performance.now() - began };
  }
}

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Median, minimum and maximum. */
export function shown(values, digits, unit) {
  return `${median(values).toFixed(digits)} ${unit} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;
}

/** Runs tasks alternately. Returns the nanoseconds per call of each task in each round. */
export function inTurns(rounds, calls, tasks) {
  const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  const names = Object.keys(tasks);
  for (let round = -3; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const from = process.hrtime.bigint();
      tasks[name]();
      if (round >= 0) times[name].push(Number(process.hrtime.bigint() - from) / calls);
    }
  }
  return times;
}
