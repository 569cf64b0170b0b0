// Type tests, never run: what the declarations of the Latch, the stores and the middleware allow and refuse.
import { Latch } from "tokenlatch";
import type { Call, Identity, LatchVerdict } from "tokenlatch";
import { memoryStore } from "tokenlatch/stores/memory";
import type { AccountStore, StoreCapabilities, TokenStore } from "tokenlatch/stores/store";

const latch = new Latch({ store: memoryStore(), accounts: (user) => ({ user, features: "all" }), timeout: 100 });
latch.capabilities.immediateRevocation satisfies true;

declare const keyValue: TokenStore<{ uniqueNames: false; immediateRevocation: false; atomicCreate: false }> & AccountStore;
const eventual = new Latch({ store: keyValue });
// @ts-expect-error such a store can't revoke at once
eventual.capabilities.immediateRevocation satisfies true;
const any: Latch = eventual;

// @ts-expect-error a store is needed
new Latch({});
// @ts-expect-error an unknown option
new Latch({ store: memoryStore(), pepper: { id: "p", key: "00" } });
// @ts-expect-error access has no default
await latch.create({ user: "alice", name: "x" });
// @ts-expect-error the latch supplies the account
await latch.create({ user: "alice", name: "x", access: "full", account: { user: "alice", features: "all" } });
// @ts-expect-error either a name or an id
await latch.describe({ user: "alice", name: "x", id: "y" });
// @ts-expect-error a user must be named
await latch.revoke({ names: ["x"] });
// @ts-expect-error there is no such API
await latch.verify("Bearer x", { api: "ftp" });

const verdict: LatchVerdict = await latch.verify("Bearer x");
// @ts-expect-error a refused request has no user
verdict.user satisfies string;
if (verdict.allowed) {
  verdict.user satisfies string;
  verdict.refusal satisfies null;
  const identity: Identity = verdict;
  identity.name satisfies string;
} else {
  verdict.refusal.body satisfies string;
  verdict.status satisfies 401 | 403 | 503;
}

if (verdict.allowed) {
  await latch.create({ by: verdict, name: "x", access: verdict.access, readOnly: verdict.readOnly });
  await latch.list({ by: verdict });
  await latch.revoke({ by: verdict, names: ["x"] });
  // @ts-expect-error the latch supplies the clock
  await latch.create({ by: verdict, name: "x", access: "full", now: 0 });
}

const routed = await latch.verify("Bearer x", { method: "GET", path: "/v1/orders" });
if (routed.allowed) {
  // @ts-expect-error a public route has no user
  routed.user satisfies string;
  if (routed.user !== null) {
    const identity: Identity = routed;
    await latch.list({ by: identity });
  } else {
    routed.reason satisfies "public";
  }
}
declare const someCall: Call;
// @ts-expect-error the call may name a route
(await latch.verify("Bearer x", someCall)) satisfies LatchVerdict;
new Latch({ store: memoryStore(), catalogue: { default: "deny", routes: [{ method: "GET", path: "/", feature: null, writes: false, public: true }] } });
// @ts-expect-error there is no such default
new Latch({ store: memoryStore(), catalogue: { default: "allow" } });
// @ts-expect-error a refused request manages nothing
await latch.list({ by: verdict });

(await latch.prune()) satisfies number;
await latch.prune({ keepRevoked: 90 * 86_400 });
// @ts-expect-error seconds, not a date
await latch.prune({ keepRevoked: "2027-01-31" });

const capabilities: StoreCapabilities = latch.capabilities;
export { any, capabilities };
