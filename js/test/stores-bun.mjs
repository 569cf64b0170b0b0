// The suite of the stores over bun:sqlite, in Bun.
import { createDatabase } from "db0";
import bunSqlite from "db0/connectors/bun-sqlite";
import { db0Store } from "tokenlatch/stores/db0";

import { failures } from "./store-suite.mjs";

const store = db0Store(createDatabase(bunSqlite({ name: ":memory:" })));
await store.migrate();
console.log(JSON.stringify(await failures(store)));
