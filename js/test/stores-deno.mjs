// The suite of the stores over Deno KV, in Deno.
import { unstorageStore } from "tokenlatch/stores/unstorage";
import { createStorage } from "unstorage";
import denoKv from "unstorage/drivers/deno-kv";

import { failures } from "./store-suite.mjs";

const storage = createStorage({ driver: denoKv({ path: ":memory:" }) });
console.log(JSON.stringify(await failures(unstorageStore(storage, { immediateRevocation: true }))));
Deno.exit(0);
