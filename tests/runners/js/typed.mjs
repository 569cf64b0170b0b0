import { bytesOf } from "./plain.mjs";

/** The typed function of each operation, and what it would supply by itself. */
const operations = {
  create: ["createToken", "now", "entropy"],
  validate: ["validate", "now"],
  identify: ["parseAuthorization"],
  verify: ["verifyToken", "now"],
  describe: ["describeToken", "now"],
  list: ["listTokens", "now"],
  parameters: ["readParameters"],
  rename: ["renameToken"],
  revoke: ["revokeTokens", "now"],
  functions: ["functions"],
  info: ["info"],
  reply: ["reply"],
  update: ["updateToken", "now"],
  credentials: ["credentials"],
};

/** Whether the typed function would be asked the same: it supplies a time where the text form has none. */
function isTyped(request) {
  if (typeof request !== "object" || request === null || !Object.hasOwn(operations, request.op)) return false;
  const [name, ...supplied] = operations[request.op];
  const takesNothing = name === "functions" || name === "info";
  return supplied.every((key) => Object.hasOwn(request, key)) && (!takesNothing || Object.keys(request).length === 1);
}

/** Returns how a table judges a request by its route's number or by its fields; undefined for a request that has neither. */
function byTable(TokenTable, { authorization, record, account, peppers, catalogue, call, now }) {
  const { address, ...named } = call ?? {};
  const { method, path, realm, ...others } = named;
  const isRoute = typeof method === "string" && typeof path === "string" && Object.keys(others).length === 0;
  const headers = [authorization ?? []].flat();
  const { fields, credentials } = headers[0] ?? {};
  if (!(isRoute || fields !== undefined) || headers.length > 1) return undefined;
  const table = new TokenTable({ records: [record ?? []].flat(), accounts: [account ?? []].flat(), peppers, catalogue, credentials });
  try {
    const options = { call: isRoute ? table.route(method, path, realm) : table.prepare(named), address, now };
    return fields === undefined ? table.verify(headers[0], options) : table.verifyFields(fields, options);
  } finally {
    table.free();
  }
}

/**
 * Answers commands by the package's typed functions, with the same text as the plain ABI.
 *
 * @param {typeof import("tokenlatch")} tokenlatch
 * @returns {(command: object) => string} gives the answer to one command
 */
export function typed(tokenlatch) {
  const { Snapshot, TokenTable, TokenlatchError, callJson } = tokenlatch;

  function written(ask) {
    try {
      return JSON.stringify({ ok: ask() });
    } catch (error) {
      if (!(error instanceof TokenlatchError)) throw error;
      return JSON.stringify({ error: { code: error.code, message: error.message, field: error.field } });
    }
  }

  /** As `table` when none is open: every use of it is an error. */
  const closed = new TokenTable();
  closed.free();
  closed.apply = () => closed.update({});
  let table = closed;
  let opened = 0;
  const commands = {
    request: (request) => {
      if (!isTyped(request)) return callJson(JSON.stringify(request));
      const { op, ...options } = request;
      const answer = written(() => tokenlatch[operations[op][0]](options));
      const verdict = op === "verify" && answer.startsWith('{"ok"') ? byTable(TokenTable, options) : undefined;
      const tables = verdict === undefined ? answer : JSON.stringify({ ok: verdict });
      if (tables !== answer) throw new Error(`a table judges ${JSON.stringify(request.call)}: ${tables}`);
      return answer;
    },
    raw: (text) => callJson(text),
    padded: ({ head, unit, times, tail }) => callJson(head + unit.repeat(times) + tail),
    table: (input) => {
      table.free();
      table = closed;
      return written(() => {
        table = new TokenTable(input);
        return { table: ++opened, records: table.size };
      });
    },
    snapshot: (options) => {
      table.free();
      table = closed;
      return written(() => {
        table = new Snapshot(options);
        return { table: ++opened };
      });
    },
    apply: ({ message, now }) => written(() => table.apply(bytesOf(message), now)),
    update: (input) => written(() => ({ records: table.update(input) })),
    prepare: (input) => written(() => ({ call: table.prepare(input) })),
    verify: ({ authorization, ...options }) => {
      const answer = written(() => table.verify(authorization, options));
      return /^{"error":{"code":"(table|call)_unknown"/.test(answer) ? '{"code":-1}' : answer;
    },
  };

  return (command) => {
    const [name, input] = Object.entries(command)[0];
    return commands[name](input);
  };
}
