// The same in Bun.
import { asked, serve } from "./read-before.mjs";

const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: serve });
console.log(JSON.stringify(await asked(server.url.origin)));
await server.stop(true);
