// A guarded server in Deno, with its tokens in Deno KV. At its first start it makes a token and prints it.
//
//   deno run --unstable-kv --allow-net --allow-env serve.ts
import { Latch } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { unstorageStore } from "tokenlatch/stores/unstorage";
import { createStorage } from "unstorage";
import denoKv from "unstorage/drivers/deno-kv";

const path = Deno.env.get("TOKENS_DB"); // left out: Deno's own place for this program
const storage = createStorage({ driver: denoKv(path === undefined ? {} : { path }) });
// One Deno KV is strongly consistent: a revocation is seen at once.
const latch = new Latch({ store: unstorageStore(storage, { immediateRevocation: true }) });

// Revoked tokens count: revoking the last one must not bring another with the next start.
if ((await latch.list({ user: "alice", includeRevoked: true })).total === 0) {
  await latch.putAccount({ user: "alice", features: "all" });
  const { token } = await latch.create({ user: "alice", name: "first", access: "full" });
  console.log(`The token, shown this once: ${token}`);
}

/** What Deno says of the socket. */
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
