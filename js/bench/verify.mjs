// From the header to the verdict, in a table of 100,000 tokens, beside what else Node offers. All contenders take turns
// in one process; what is told are medians over the rounds, and the ratio to the bare `createHash` call of the same round.
//
//   node bench/verify.mjs [--json] [--rounds N] [--tokens N]
import * as crypto from "node:crypto";
import { parseArgs } from "node:util";

import { SignJWT, jwtVerify } from "jose";
import prefixed from "prefixed-api-key";
import { TokenTable, createToken } from "tokenlatch";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "31" },
    tokens: { type: "string", default: "100000" },
  },
});
const ROUNDS = Number(values.rounds);
const TOKENS = Number(values.tokens);
const USERS = 1000;
const CALLS = 20_000; // of each contender in each round
const SLOW_CALLS = 1_000;

const started = process.hrtime.bigint();
const now = Math.floor(Date.now() / 1000);
const headers = [];
const secrets = [];
const records = [];
for (let index = 0; index < TOKENS; index++) {
  const user = `user${index % USERS}`;
  const { token, record } = createToken({ user, name: `token-${index}`, access: "full", expires: now + 86_400 * 365 });
  headers.push(`cpanel ${user}:${token}`);
  secrets.push(token);
  records.push(record);
}
const table = new TokenTable();
table.update({ accounts: Array.from({ length: USERS }, (_, index) => ({ user: `user${index}`, features: "all" })) });
for (let from = 0; from < TOKENS; from += 10_000) table.update({ records: records.slice(from, from + 10_000) });
const call = table.prepare({ module: "Tokens", function: "list" });
const loaded = Number(process.hrtime.bigint() - started) / 1e6;

// The same order for all, without a pattern that a cache could like.
const order = Uint32Array.from({ length: CALLS }, () => crypto.randomInt(TOKENS));

const byHash = new Map(records.map((record) => [record.hash.slice("sha256:".length), record]));
/** What one would write by hand: scheme, user, hash, look-up, expiry. No address, access, account or realm. */
function byHand(header, now) {
  if (header.slice(0, 7).toLowerCase() !== "cpanel ") return null;
  const colon = header.indexOf(":", 7);
  if (colon < 0) return null;
  const record = byHash.get(crypto.hash("sha256", header.slice(colon + 1), "hex"));
  if (record === undefined || record.user !== header.slice(7, colon)) return null;
  return record.expires === null || now < record.expires ? record : null;
}

const key = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
const jwts = await Promise.all(
  Array.from({ length: 256 }, (_, index) =>
    new SignJWT({ sub: `user${index}` }).setProtectedHeader({ alg: "HS256" }).setExpirationTime(now + 86_400).sign(key),
  ),
);
const { checkAPIKey, generateAPIKey } = prefixed;
const apiKeys = await Promise.all(Array.from({ length: 256 }, () => generateAPIKey({ keyPrefix: "bench" })));

/** Adds up what the contenders find, so that no engine may leave the work out. */
let sum = 0;
const contenders = {
  "tokenlatch: TokenTable.verify": () => {
    const options = { call, now };
    for (const index of order) sum += table.verify(headers[index], options).status;
  },
  "tokenlatch: 256 of the tokens in use": () => {
    const options = { call, now };
    for (const index of order) sum += table.verify(headers[index & 255], options).status;
  },
  "tokenlatch: with address and clock": () => {
    for (const index of order) sum += table.verify(headers[index], { call, address: "192.0.2.1" }).status;
  },
  "node:crypto createHash('sha256') alone": () => {
    for (const index of order) sum += crypto.createHash("sha256").update(secrets[index]).digest("hex").length;
  },
};
if (typeof crypto.hash === "function") {
  contenders["node:crypto hash('sha256') alone"] = () => {
    for (const index of order) sum += crypto.hash("sha256", secrets[index], "hex").length;
  };
  contenders["hand-written: crypto.hash + Map"] = () => {
    for (const index of order) sum += byHand(headers[index], now) === null ? 0 : 1;
  };
}
contenders["prefixed-api-key: checkAPIKey"] = () => {
  for (let index = 0; index < SLOW_CALLS; index++) {
    const { token, longTokenHash } = apiKeys[index % apiKeys.length];
    sum += checkAPIKey(token, longTokenHash) ? 1 : 0;
  }
  return SLOW_CALLS;
};
contenders["jose: HS256 jwtVerify"] = async () => {
  for (let index = 0; index < SLOW_CALLS; index++) sum += (await jwtVerify(jwts[index % jwts.length], key)).payload.exp;
  return SLOW_CALLS;
};

const base = "node:crypto createHash('sha256') alone";
const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
const WARM_UP = 3;
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(contenders)) {
    const from = process.hrtime.bigint();
    const calls = (await run()) ?? CALLS;
    const nanoseconds = Number(process.hrtime.bigint() - from) / calls;
    if (round >= 0) times[name].push(nanoseconds);
  }
}

const quantile = (list, part) => {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * part)];
};
const rows = Object.entries(times).map(([name, list]) => {
  const ratios = list.map((nanoseconds, round) => nanoseconds / times[base][round]);
  return {
    name,
    ns: quantile(list, 0.5),
    ns_p10: quantile(list, 0.1),
    ns_p90: quantile(list, 0.9),
    ratio: quantile(ratios, 0.5),
    ratio_p10: quantile(ratios, 0.1),
    ratio_p90: quantile(ratios, 0.9),
  };
});

if (values.json) {
  const about = { node: process.versions.node, tokens: TOKENS, rounds: ROUNDS, calls: CALLS, loaded_ms: loaded };
  console.log(JSON.stringify({ ...about, rows }));
} else {
  console.log(`Node ${process.versions.node}, ${TOKENS} tokens (made and loaded in ${loaded.toFixed(0)} ms), ${ROUNDS} rounds`);
  console.log(`${"".padEnd(40)}${"ns".padStart(8)}${"p10-p90".padStart(16)}${"ratio".padStart(9)}${"p10-p90".padStart(15)}`);
  for (const row of rows) {
    const spread = `${row.ns_p10.toFixed(0)}-${row.ns_p90.toFixed(0)}`;
    const ratios = `${row.ratio_p10.toFixed(2)}-${row.ratio_p90.toFixed(2)}`;
    console.log(
      `${row.name.padEnd(40)}${row.ns.toFixed(0).padStart(8)}${spread.padStart(16)}${row.ratio.toFixed(3).padStart(9)}${ratios.padStart(15)}`,
    );
  }
}
if (!(sum > 0)) throw new Error("nothing was verified");
