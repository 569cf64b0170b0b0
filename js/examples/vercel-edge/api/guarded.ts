// A guarded function on Vercel's edge. Its few tokens are JSON in the environment: records from `createToken`, and the accounts of their
// users. A change needs a new deployment.
import { type Account, Latch, type TokenRecord } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { memoryStore } from "tokenlatch/stores/memory";

export const config = { runtime: "edge" };

const records = JSON.parse(process.env["TOKENLATCH_RECORDS"] ?? "[]") as TokenRecord[];
const accounts = JSON.parse(process.env["TOKENLATCH_ACCOUNTS"] ?? "[]") as Account[];
const latch = new Latch({ store: memoryStore({ records, accounts }), zone: "UTC" });

export default guard(
  latch,
  {
    call: (request) => ({ feature: "backup", writes: request.method !== "GET" }),
    // Vercel sets this header and overwrites the client's.
    address: (request) => request.headers.get("X-Real-IP"),
  },
  (_request, identity) => Response.json({ user: identity.user, token: identity.name }),
);
