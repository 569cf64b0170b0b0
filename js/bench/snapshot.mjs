// A signed snapshot of a million tokens in Node: bytes on the wire, time to load, memory, whether a verification costs the same
// whatever the size, and how long a delta takes. Exits with 1 when an aim is missed.
//
//   node bench/snapshot.mjs [--tokens N] [--rounds N]
import { cpus } from "node:os";
import { parseArgs } from "node:util";

import { Snapshot } from "tokenlatch";

import { KEY, NOW, Plain, deltaOf, headerOf, inTurns, median, picks, shown, snapshotOf } from "./stock.mjs";

const { values } = parseArgs({
  options: { tokens: { type: "string", default: "1000000" }, rounds: { type: "string", default: "101" } },
});
const TOKENS = Number(values.tokens);
const ROUNDS = Number(values.rounds);
const HEADERS = 1000;
const sizes = [1000, 10_000, 100_000, 1_000_000].filter((size) => size < TOKENS).concat(TOKENS);

let missed = 0;
function say(text, found, aim) {
  const held = aim === undefined ? "" : found <= aim ? `   (aim: at most ${aim})` : `   (aim MISSED: at most ${aim})`;
  if (held.includes("MISSED")) missed += 1;
  console.log(`  ${text}${held}`);
}

const { model } = cpus()[0];
console.log(`Node ${process.versions.node}, ${cpus().length} × ${model}, ${TOKENS} tokens of 1,000 users`);
const message = snapshotOf(TOKENS, 1);
say(`on the wire        ${(message.length / TOKENS).toFixed(2)} bytes a token, ${(message.length / 1e6).toFixed(1)} MB`);

// Each in a new module, whose memory hasn't grown yet.
const loads = Array.from({ length: 5 }, () => {
  const plain = new Plain();
  const before = plain.memory;
  const handle = plain.open();
  const { inside, whole } = plain.load(handle, message);
  return { inside, whole, plain, handle, grown: plain.memory - before };
});
const times = (key) => loads.map((load) => load[key]);
const { plain, handle, grown } = loads[0];
say(`load, new module   ${shown(times("whole"), 0, "ms")}, of which in the module ${shown(times("inside"), 0, "ms")}`, median(times("whole")), 1000);
const began = performance.now();
const snapshot = Snapshot.load(message, { publicKeys: [KEY.publicHex], now: NOW });
const loaded = performance.now() - began;
say(`Snapshot.load      ${loaded.toFixed(0)} ms, the first in this process`, loaded, 1000);
const began2 = performance.now();
snapshot.apply(message, NOW);
say(`a whole one again  ${(performance.now() - began2).toFixed(0)} ms, in the place of the one held`, performance.now() - began2, 1000);
say(`memory of the table ${(snapshot.state.bytes / TOKENS).toFixed(1)} bytes a token, by its own count`, snapshot.state.bytes / TOKENS, 64);
say(`module grown by    ${(grown / TOKENS).toFixed(1)} bytes a token once loaded, with all buffers`, grown / TOKENS, 64);
const start = new Plain().memory;
plain.load(handle, message);
say(`                   ${((plain.memory - start) / TOKENS).toFixed(1)} bytes a token at most, while a newer whole snapshot takes the place of the old`);
snapshot.free();

/** Nanoseconds a verification, by the package's `verify`, with an address and a call left out. */
function flatness(title, count, aim) {
  const tasks = {};
  const held = [];
  let admitted = 0;
  for (const size of sizes) {
    const table = Snapshot.load(size === TOKENS ? message : snapshotOf(size, 1), { publicKeys: [KEY.publicHex], now: NOW });
    held.push(table);
    const headers = Array.from(picks(Math.min(count, size), size), headerOf);
    // The same number of calls for each size.
    const options = { now: NOW };
    const calls = Math.max(count, 10 * HEADERS);
    tasks[size] = () => {
      for (let left = calls; left > 0; left -= headers.length) {
        for (const header of headers) admitted += Number(table.verify(header, options).allowed);
      }
    };
  }
  const rounds = count > HEADERS ? Math.ceil(ROUNDS / 5) : ROUNDS;
  const taken = inTurns(rounds, Math.max(count, 10 * HEADERS), tasks);
  if (admitted !== sizes.length * (rounds + 3) * Math.max(count, 10 * HEADERS)) throw new Error("not every token was admitted");
  console.log(`  verification, ${title}`);
  for (const size of sizes) {
    const ratios = taken[size].map((time, round) => time / taken[sizes[0]][round]);
    const last = size === TOKENS;
    say(`  ${String(size).padStart(9)} tokens  ${shown(taken[size], 0, "ns")}, ratio to ${sizes[0]} tokens ${median(ratios).toFixed(2)}`, median(ratios), last ? aim : undefined);
  }
  for (const table of held) table.free();
}
flatness(`the same number of distinct headers (${HEADERS}) at each size, spread over the whole table:`, HEADERS, 1.5);
flatness("random order over all tokens, up to 100,000 headers; their text alone is more than the caches hold:", 100_000);

// In a new, empty module.
const one = new Plain();
const table = one.open();
one.load(table, message);
// Made in advance; the first five are for warming up.
const made = Array.from({ length: 25 }, (_, at) => {
  const numbers = Array.from({ length: 100 }, (_, token) => 100 * at + token);
  return deltaOf(at + 2, numbers, numbers.map((token) => TOKENS + token));
});
const deltas = made.map((delta) => {
  const before = process.cpuUsage();
  const { whole } = one.load(table, delta);
  const { user, system } = process.cpuUsage(before);
  return { whole, processor: (user + system) / 1000 };
}).slice(5);
const wholes = deltas.map(({ whole }) => whole);
const processor = deltas.map((delta) => delta.processor);
say(`20 deltas, each of 100 revocations and 100 new tokens: ${shown(wholes, 2, "ms")}`, median(wholes), 5);
// Wall-clock time includes other work of the machine.
say(`of that on the processor: ${shown(processor, 2, "ms")}`, median(processor), 5);
if (missed > 0) {
  console.log(`${missed} of the aims missed`);
  process.exitCode = 1;
}
