// An origin for the tests of followers: publishes, answers long polls, accepts usage reports, and fails on command. `POST /control` controls
// it, so that tests in other runtimes can too.
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

import { createToken } from "tokenlatch";

import { encode, keyOf } from "./encoder.mjs";

const CONTENT_TYPE = "application/vnd.tokenlatch.snapshot";
export const KEY = keyOf(7);
const WRONG_KEY = keyOf(9);

/** The origin, listening on loopback, at `url`. */
export async function startOrigin() {
  const origin = new Origin();
  const server = createServer((request, response) => {
    origin.answer(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { origin, url: `http://127.0.0.1:${server.address().port}`, stop };
}

class Origin {
  constructor() {
    this.reset();
  }

  /** Resets it: alice and bob, no tokens, no followers. */
  reset({ maxAge = 60, names = true } = {}) {
    this.accounts = [{ user: "alice", features: "all" }, { user: "bob", features: ["apitokens", "mail"] }];
    Object.assign(this, { maxAge, names, epoch: (this.epoch ?? 0) + 1, version: 5, records: [], deltas: new Map() });
    Object.assign(this, { isCut: false, tamper: [], reports: new Map(), uses: {}, lostAnswers: 0, refuseReports: 0, refuseWith: 503, asked: [], authorizations: new Set() });
    this.madeAtLeast = 0;
    this.wake?.();
  }

  get made() {
    return Math.max(Math.floor(Date.now() / 1000), this.madeAtLeast);
  }

  message(kind, more) {
    const { epoch, version, made, maxAge, names } = this;
    this.madeAtLeast = made;
    const tampering = this.tamper.shift();
    const key = tampering === "key" ? WRONG_KEY : KEY;
    const bytes = encode({ kind, key, epoch, version, made, maxAge, names, ...more });
    if (tampering === "flip") bytes[bytes.length - 1] ^= 1;
    if (tampering === "head") bytes[60] ^= 1;
    return tampering === "cut" ? bytes.subarray(0, bytes.length - 3) : bytes;
  }

  snapshot() {
    return this.message("snapshot", { records: this.records, accounts: this.accounts });
  }

  /** Makes a change: a new version and its delta, which is signed when it is requested. */
  changed(more) {
    this.deltas.set(this.version, { base: this.version, version: this.version + 1, ...more });
    this.version += 1;
    this.wake?.();
  }

  issue(options = {}) {
    const { token, record } = createToken({ user: "alice", name: `t${this.records.length}`, access: "full", ...options });
    this.records.push(record);
    this.changed({ records: [record], accounts: this.accounts.filter(({ user }) => user === record.user) });
    return { token, id: record.id, hash: record.hash };
  }

  /** Issues a number of tokens in one version. */
  issueMany({ count }) {
    const records = Array.from({ length: count }, () => createToken({ user: "alice", name: `t${crypto.randomUUID().slice(0, 12)}`, access: "full" }).record);
    this.records.push(...records);
    this.changed({ records, accounts: this.accounts });
  }

  revoke({ id }) {
    const record = this.records.find((one) => one.id === id);
    Object.assign(record, { revoked: Math.floor(Date.now() / 1000) });
    this.changed({ revoked: [record] });
  }

  /** Drops the deltas, as a restart of the origin does. */
  forget() {
    this.deltas.clear();
  }

  /** Simulates a restored backup: a new epoch without the named tokens. */
  restore({ without }) {
    this.records = this.records.filter(({ id }) => !without.includes(id));
    Object.assign(this, { epoch: this.epoch + 1, version: 1, madeAtLeast: this.made + 1 });
    this.forget();
    this.wake?.();
  }

  set(values) {
    Object.assign(this, values);
    if (values.isCut === true) this.wake?.();
  }

  state() {
    const { epoch, version, uses, asked, authorizations, records } = this;
    return { epoch, version, uses, reports: [...this.reports], asked, authorizations: [...authorizations], tokens: records.length, publicKey: KEY.publicHex };
  }

  async change(milliseconds) {
    const over = new AbortController();
    const change = new Promise((resolve) => {
      const before = this.wake;
      this.wake = () => (before?.(), resolve());
    });
    await Promise.race([change, pause(milliseconds, undefined, { signal: over.signal }).catch(() => {})]);
    over.abort();
  }

  async answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, "http://origin");
    if (pathname === "/control") {
      const { call, ...rest } = JSON.parse(await read(request));
      return void response.end(JSON.stringify(this[call](rest) ?? null));
    }
    this.asked.push(request.method + request.url.replace(/since=.*/, "since"));
    if (this.isCut) return void request.destroy();
    this.authorizations.add(request.headers.authorization ?? "");
    if (pathname === "/snapshot/usage") return this.report(await read(request), response);
    const send = (bytes) => void response.setHeader("Content-Type", CONTENT_TYPE).end(bytes);
    if (pathname === "/snapshot") return send(this.snapshot());
    const [epoch, version] = searchParams.get("since").split("-").map(Number);
    const isCurrent = () => epoch === this.epoch && version === this.version;
    const wait = Number(searchParams.get("wait"));
    if (wait > 0 && isCurrent()) await this.change(wait * 1000);
    if (this.isCut || response.destroyed) return void request.destroy();
    if (isCurrent()) return send(this.message("delta", { base: version }));
    const delta = epoch === this.epoch ? this.deltas.get(version) : undefined;
    if (delta === undefined) return void response.writeHead(409, { "Content-Type": "application/json" }).end('{"error":{"code":"snapshot_gap"}}');
    // Deltas are signed when they are sent: none is made earlier than the one before.
    send(this.message("delta", delta));
  }

  report(text, response) {
    if (this.refuseReports > 0) {
      this.refuseReports -= 1;
      return void response.writeHead(this.refuseWith).end();
    }
    const { follower, batch, tokens } = JSON.parse(text);
    if (batch > (this.reports.get(follower) ?? 0)) {
      this.reports.set(follower, batch);
      for (const { id, hash, uses, lastUsed } of tokens) {
        const found = this.records.find((record) => (id === undefined ? record.hash === hash : record.id === id));
        if (found === undefined) continue;
        const before = this.uses[found.id] ?? { uses: 0, lastUsed: 0 };
        this.uses[found.id] = { uses: before.uses + uses, lastUsed: Math.max(before.lastUsed, lastUsed) };
      }
    }
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      return void response.destroy();
    }
    response.setHeader("Content-Type", "application/json").end("{}");
  }
}

async function read(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
