// The same in Deno.
import { asked, serve } from "./read-before.mjs";

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, serve);
console.log(JSON.stringify(await asked(`http://127.0.0.1:${server.addr.port}`)));
await server.shutdown();
