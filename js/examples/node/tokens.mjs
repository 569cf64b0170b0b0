// Manages tokens in an SQLite file from the command line. Needs `npm install tokenlatch db0`, and `@libsql/client` before Node 22.13,
// which has no `node:sqlite`.
//
//   node tokens.mjs create alice backup
//   node tokens.mjs verify < header.txt   (`Bearer 4WQH…`; other users of the machine could read it on the command line)
//   node tokens.mjs list alice
//   node tokens.mjs revoke alice backup
import { readFileSync } from "node:fs";

import { createDatabase } from "db0";
import { Latch } from "tokenlatch";
import { db0Store } from "tokenlatch/stores/db0";

const path = process.env.TOKENS_DB ?? "tokens.db";

async function connector() {
  if (process.getBuiltinModule?.("node:sqlite") !== undefined) {
    const { default: sqlite } = await import("db0/connectors/node-sqlite");
    return sqlite({ path });
  }
  const { default: libsql } = await import("db0/connectors/libsql/node");
  return libsql({ url: `file:${path}` });
}

const commands = {
  async create(latch, user, name) {
    const wish = { user, name, access: "full" };
    const { token, description } = await latch.create(wish).catch(async (error) => {
      // An existing account isn't changed: it may be suspended or have few features.
      if (error.code !== "account_unknown") throw error;
      await latch.putAccount({ user, features: "all" });
      return latch.create(wish);
    });
    const until = new Date(description.expires * 1000).toISOString();
    return `${token}\nSave it now: nothing can show it again. It is valid until ${until}.`;
  },
  async verify(latch) {
    const authorization = readFileSync(0, "utf8").trim();
    const verdict = await latch.verify(authorization, { feature: "backup", writes: false });
    if (!verdict.allowed) process.exitCode = 1;
    return verdict.allowed ? `admitted: ${verdict.user}, by the token ${verdict.name}` : `refused: ${verdict.reason}`;
  },
  async list(latch, user) {
    const { tokens } = await latch.list({ user, includeRevoked: true, pageSize: 1_000 });
    return tokens.map(({ name, hint, status }) => `${name}\t…${hint}\t${status}`).join("\n");
  },
  async revoke(latch, user, name) {
    const { tokens } = await latch.revoke({ user, names: [name] });
    return tokens.length > 0 ? "revoked" : "there is no such token";
  },
};

const [command, ...options] = process.argv.slice(2);
const run = Object.hasOwn(commands, command ?? "") ? commands[command] : undefined;
if (run === undefined) {
  console.error("usage: tokens.mjs create USER NAME | verify < HEADER | list USER | revoke USER NAME");
  process.exit(2);
}

const database = createDatabase(await connector());
const store = db0Store(database);
await store.migrate();
try {
  console.log(await run(new Latch({ store }), ...options));
} catch (error) {
  console.error(`${error.code ?? "error"}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await database.dispose();
}
