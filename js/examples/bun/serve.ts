// A guarded server in Bun, with its tokens in SQLite. At its first start it creates a token and prints it.
//
//   bun run serve.ts
import { createDatabase } from "db0";
import sqlite from "db0/connectors/bun-sqlite";
import { Latch } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { db0Store } from "tokenlatch/stores/db0";

const store = db0Store(createDatabase(sqlite({ path: process.env["TOKENS_DB"] ?? "tokens.db" })));
await store.migrate();
const latch = new Latch({ store });

// Revoked tokens count, so that no token is created at the next start when the last one was revoked.
if ((await latch.list({ user: "alice", includeRevoked: true })).total === 0) {
  await latch.putAccount({ user: "alice", features: "all" });
  const { token } = await latch.create({ user: "alice", name: "first", access: "full" });
  console.log(`The token, shown this once: ${token}`);
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 3000),
  fetch: guard(
    latch,
    { call: (request) => ({ feature: "backup", writes: request.method !== "GET" }) },
    (_request, identity) => new Response(`Hello ${identity.user}\n`),
  ),
});
console.log(`Listening on ${server.url}`);
