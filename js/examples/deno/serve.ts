// A guarded server in Deno, with its tokens in Deno KV. At its first start it creates a token and prints it.
//
//   deno run --unstable-kv --allow-net --allow-env serve.ts
import { Latch } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { unstorageStore } from "tokenlatch/stores/unstorage";
import { createStorage } from "unstorage";
import denoKv from "unstorage/drivers/deno-kv";

const path = Deno.env.get("TOKENS_DB"); // default: Deno's own file for this program
const storage = createStorage({ driver: denoKv(path === undefined ? {} : { path }) });
// A single Deno KV is strongly consistent: a revocation is visible at once.
const latch = new Latch({ store: unstorageStore(storage, { immediateRevocation: true }) });

// Revoked tokens count, so that no token is created at the next start when the last one was revoked.
if ((await latch.list({ user: "alice", includeRevoked: true })).total === 0) {
  await latch.putAccount({ user: "alice", features: "all" });
  const { token } = await latch.create({ user: "alice", name: "first", access: "full" });
  console.log(`The token, shown this once: ${token}`);
}

/** The information of Deno about the connection. */
interface Connection {
  readonly remoteAddr: { readonly hostname: string };
}

Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.env.get("PORT") ?? 8000) },
  guard(
    latch,
    { call: (request) => ({ feature: "backup", writes: request.method !== "GET" }) },
    (_request, identity, connection: Connection) => new Response(`Hello ${identity.user} at ${connection.remoteAddr.hostname}\n`),
  ),
);
