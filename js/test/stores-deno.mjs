// The suite of the stores in Deno: `stores-deno.mjs kv` over Deno KV, `stores-deno.mjs sqlite` over node:sqlite.
import { createDatabase } from "db0";
import nodeSqlite from "db0/connectors/node-sqlite";
import { db0Store } from "tokenlatch/stores/db0";
import { unstorageStore } from "tokenlatch/stores/unstorage";
import { createStorage } from "unstorage";
import denoKv from "unstorage/drivers/deno-kv";

import { failures } from "./store-suite.mjs";

const stores = {
  async kv() {
    return unstorageStore(createStorage({ driver: denoKv({ path: ":memory:" }) }), { immediateRevocation: true });
  },
  async sqlite() {
    const store = db0Store(createDatabase(nodeSqlite({ name: ":memory:" })));
    await store.migrate();
    return store;
  },
};
console.log(JSON.stringify(await failures(await stores[Deno.args[0]]())));
Deno.exit(0);
