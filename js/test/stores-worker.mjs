// The suite of the stores inside workerd: over D1 at /d1, over KV at /kv.
import { env } from "cloudflare:workers";
import { createDatabase } from "db0";
import d1 from "db0/connectors/cloudflare-d1";
import { db0Store } from "tokenlatch/stores/db0";
import { unstorageStore } from "tokenlatch/stores/unstorage";
import { createStorage } from "unstorage";
import kv from "unstorage/drivers/cloudflare-kv-binding";

import { failures } from "./store-suite.mjs";

export default {
  async fetch(request) {
    if (new URL(request.url).pathname === "/kv") {
      // Within one machine KV is immediate; over the network it isn't, and the option must stay false.
      return Response.json(await failures(unstorageStore(createStorage({ driver: kv({ binding: env.KV }) }))));
    }
    const store = db0Store(createDatabase(d1({ bindingName: "DB" })));
    await store.migrate();
    await store.migrate();
    return Response.json(await failures(store));
  },
};
