// verifyMany beside one verify after another: 1,000 headers in random order over 100,000 tokens, from a table and from a
// snapshot, by the package and in the module alone. Medians over rounds in turn; the ratio is that of each round.
// With four secrets hashed at once the ratio is about 0.71 in the module and 0.82 to 0.86 in the package; one after another 0.93 and 0.92 to 0.98.
//
//   node bench/many.mjs [--rounds N]
import { parseArgs } from "node:util";

import { Snapshot, TokenTable } from "tokenlatch";

import { KEY, NOW, Plain, USERS, headerOf, inTurns, median, picks, recordOf, shown, snapshotOf } from "./stock.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "101" } } });
const ROUNDS = Number(values.rounds);
const TOKENS = 100_000;
const HEADERS = 1000;
const TIMES = 10; // in each round

const records = Array.from({ length: TOKENS }, (_, token) => recordOf(token));
const table = new TokenTable({ accounts: Array.from({ length: USERS }, (_, at) => ({ user: records[at].user, features: "all" })) });
for (let from = 0; from < TOKENS; from += 10_000) table.update({ records: records.slice(from, from + 10_000) });
const message = snapshotOf(TOKENS, 1);
const snapshot = Snapshot.load(message, { publicKeys: [KEY.publicHex], now: NOW });
const headers = Array.from(picks(HEADERS, TOKENS), headerOf);
const options = { now: NOW };

let admitted = 0;
function beside(judge) {
  const times = inTurns(ROUNDS, HEADERS * TIMES, {
    one: () => {
      for (let time = 0; time < TIMES; time++) for (const header of headers) admitted += Number(judge.verify(header, options).allowed);
    },
    many: () => {
      for (let time = 0; time < TIMES; time++) for (const { allowed } of judge.verifyMany(headers, options)) admitted += Number(allowed);
    },
  });
  return times;
}

/** The same without the package: headers are in the module's memory, and the results are numbers. */
function inside() {
  const plain = new Plain();
  const { module } = plain;
  const handle = plain.open();
  plain.load(handle, message);
  const lengths = Buffer.alloc(4 + 4 * HEADERS);
  lengths.writeUInt32LE(HEADERS);
  headers.forEach((header, at) => lengths.writeUInt16LE(header.length, 4 + 4 * at));
  const whole = plain.put(Buffer.concat([lengths, Buffer.from(headers.join(""))]));
  let at = whole[0] + lengths.length;
  const places = headers.map((header) => [(at += header.length) - header.length, header.length]);
  const now = BigInt(NOW);
  return inTurns(ROUNDS, HEADERS * TIMES, {
    one: () => {
      for (let time = 0; time < TIMES; time++) {
        for (const [place, length] of places) admitted += Number(module.tokenlatch_table_verify(handle, 0, place, length, 0, 0, now) < 2n ** 32n);
      }
    },
    many: () => {
      for (let time = 0; time < TIMES; time++) {
        const codes = new Uint32Array(plain.take(module.tokenlatch_verify_many(handle, 0, ...whole, now)).buffer);
        for (let high = 1; high < codes.length; high += 2) admitted += Number(codes[high] === 0);
      }
    },
  });
}

console.log(`Node ${process.versions.node}, ${HEADERS} headers over ${TOKENS} tokens, ${ROUNDS} rounds`);
for (const [name, times] of [["table", beside(table)], ["snapshot", beside(snapshot)], ["snapshot, module alone", inside()]]) {
  const ratios = times.many.map((time, round) => time / times.one[round]);
  console.log(`  ${name.padEnd(24)} verify ${median(times.one).toFixed(0)} ns, verifyMany ${median(times.many).toFixed(0)} ns, ratio ${shown(ratios, 3, "")}`);
}
if (admitted !== 3 * 2 * (ROUNDS + 3) * TIMES * HEADERS) throw new Error("not every token was admitted");
