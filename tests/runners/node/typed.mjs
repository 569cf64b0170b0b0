// Runs commands against the built package's typed functions in Node: `node typed.mjs`, one JSON command a line on
// standard input, one answer a line on standard output, the same lines as plain.mjs writes.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

process.env.TZ = "UTC"; // The module's own default; the typed functions would take the local zone.
const dist = new URL("../../../js/dist/", import.meta.url);
const tokenlatch = await import(new URL("entrypoints/node.js", dist).href);
const { TokenTable, TokenlatchError, callJson } = tokenlatch;

/** The typed function of each operation, and what it would supply by itself. */
const operations = {
  create: ["createToken", "now", "entropy"],
  validate: ["validate", "now"],
  identify: ["parseAuthorization"],
  verify: ["verifyToken", "now"],
  describe: ["describeToken", "now"],
  list: ["listTokens", "now"],
  rename: ["renameToken"],
  revoke: ["revokeTokens", "now"],
  functions: ["functions"],
  info: ["info"],
  reply: ["reply"],
};

/** Whether the typed function would be asked the same: it supplies a time where the text form has none. */
function isTyped(request) {
  if (typeof request !== "object" || request === null || !Object.hasOwn(operations, request.op)) return false;
  const [name, ...supplied] = operations[request.op];
  const takesNothing = name === "functions" || name === "info";
  return supplied.every((key) => Object.hasOwn(request, key)) && (!takesNothing || Object.keys(request).length === 1);
}

function written(ask) {
  try {
    return JSON.stringify({ ok: ask() });
  } catch (error) {
    if (!(error instanceof TokenlatchError)) throw error;
    return JSON.stringify({ error: { code: error.code, message: error.message, field: error.field } });
  }
}

let table = new TokenTable();
table.free(); // No table yet: a freed one.
let opened = 0;
const commands = {
  request: (request) => {
    if (!isTyped(request)) return callJson(JSON.stringify(request));
    const { op, ...options } = request;
    return written(() => tokenlatch[operations[op][0]](options));
  },
  raw: (text) => callJson(text),
  padded: ({ head, unit, times, tail }) => callJson(head + unit.repeat(times) + tail),
  table: (input) => {
    table.free();
    return written(() => {
      table = new TokenTable(input);
      return { table: ++opened, records: table.size };
    });
  },
  update: (input) => written(() => ({ records: table.update(input) })),
  prepare: (input) => written(() => ({ call: table.prepare(input) })),
  verify: ({ authorization, ...options }) => {
    const answer = written(() => table.verify(authorization, options));
    return /^{"error":{"code":"(table|call)_unknown"/.test(answer) ? '{"code":-1}' : answer;
  },
};

const digest = createHash("sha256").update(readFileSync(new URL("module/tokenlatch.wasm", dist))).digest("hex");
console.log(JSON.stringify({ runtime: "Node", version: process.versions.node, face: "typed", module_sha256: digest }));
for await (const line of createInterface({ input: process.stdin })) {
  const [command, input] = Object.entries(JSON.parse(line))[0];
  console.log(commands[command](input));
}
