// Type tests, never run: what the declarations allow and refuse for a user's compiler.
import {
  Snapshot,
  TokenTable,
  TokenlatchError,
  createToken,
  credentials,
  listTokens,
  parseAuthorization,
  readParameters,
  revokeTokens,
  updateToken,
  validate,
  verifyToken,
} from "tokenlatch";
import type { Access, ErrorCode, HeaderFields, PresentedFields, PublicAdmission, SnapshotFollower, TokenRecord, Verdict } from "tokenlatch";

const created = createToken({ user: "alice", name: "x", access: "full", expires: "2027-01-31", zone: "+01:00" });
const token: string = created.token;
const record: TokenRecord = created.record;
createToken({ user: "alice", name: "x", access: { features: ["backup"] }, entropy: new Uint8Array(64), expires: undefined });

// @ts-expect-error access has no default
createToken({ user: "alice", name: "x" });
// @ts-expect-error an unknown option
createToken({ user: "alice", name: "x", access: "full", readonly: true });
// @ts-expect-error a Date isn't an expiry
createToken({ user: "alice", name: "x", access: "full", expires: new Date() });
// @ts-expect-error null isn't an expiry
createToken({ user: "alice", name: "x", access: "full", expires: null });
// @ts-expect-error there is no such access
createToken({ user: "alice", name: "x", access: "all" });

const checked = validate({ account: { user: "alice", features: "all" }, access: "full", policy: {}, peppers: [], catalogue: [], records: [record], zone: "UTC", taken: [] });
checked.expires satisfies number | "never" | null;
for (const { code, field } of checked.problems) [code satisfies ErrorCode, field satisfies string | undefined];
// @ts-expect-error a token has one pepper, but these are those in use
validate({ pepper: { id: "p", key: "00" } });
// @ts-expect-error an account has features
validate({ account: { user: "alice" } });

updateToken({ record, access: "full", creator: record, expires: "never" }).record satisfies TokenRecord;
// @ts-expect-error `readOnly` can only be set when a token is created
updateToken({ record, readOnly: false });
const read = readParameters({ shape: "whm", function: "api_token_update", values: [["token_name", "x"], ["expires_at", 0]] });
read.unknown satisfies readonly string[];
read.expires satisfies number | "never" | undefined;
// @ts-expect-error a refusal has no parameters
readParameters({ shape: "denied", function: "list", values: [] });

const maybe: string | undefined = undefined;
const verdict: Verdict = verifyToken({ authorization: maybe, record: null, account: undefined });
const status: 200 | 401 | 403 | 503 = verdict.status;
// @ts-expect-error the account is required
verifyToken({ authorization: null, record });
// @ts-expect-error verdicts are read-only
verdict.allowed = true;
// @ts-expect-error reasons are a closed set
if (verdict.reason === "good") throw new Error();

parseAuthorization("Bearer x").hashes.map((hash) => hash.length);
parseAuthorization({ authorization: ["a", "b"] });
credentials({ credentials: ["bearer", "x-api-key", "header:X-Shop-Key", "scheme:Token"] }).fields satisfies readonly string[];
credentials().challenge satisfies string;
// @ts-expect-error there is no such credential
credentials({ credentials: ["query"] });
const fields: HeaderFields = [["X-API-Key", "x"]];
const presented: PresentedFields = { credentials: ["basic"], fields };
parseAuthorization({ authorization: presented }).scheme === "header";
verifyToken({ authorization: { fields: [["Authorization", "Bearer x"]] }, record, account: null }).reason === "cross_site";
// @ts-expect-error a field has one value
verifyToken({ authorization: { fields: [["a", "b", "c"]] }, record, account: null });
revokeTokens({ records: [record], ids: [record.id] }).unknown satisfies readonly string[];
listTokens({ records: [record], sort: "expires" }).tokens[0]?.status satisfies string | undefined;
// @ts-expect-error there is no such order
listTokens({ records: [], sort: "id" });

const table = new TokenTable({ records: [record], accounts: [{ user: "alice", features: "all" }] });
const call: number = table.prepare({ module: "Tokens", function: "list" });
table.verify(maybe, { call, address: maybe, now: 1 }).refusal?.headers["WWW-Authenticate"];
// @ts-expect-error one header only
table.verify(["a"]);
table.verifyMany([maybe, null], { call, addresses: [maybe, null] })[0]?.allowed satisfies boolean | undefined;
table.verify(maybe, { call: table.route("GET", "/v1/orders/7", "admin") }).reason === "public";
// @ts-expect-error there is no such realm
table.route("GET", "/", "root");
new TokenTable({ catalogue: { routes: [] } });
new TokenTable({ credentials: ["x-api-key"] }).verifyFields(fields, { call, address: maybe }).reason === "ok";
// @ts-expect-error fields are pairs
table.verifyFields(["a", "b"]);
table.free();

const snapshot = Snapshot.load(new Uint8Array(), { publicKeys: ["00", new Uint8Array(32)], floor: { epoch: 1, version: 2, made: 3 }, now: 1 });
snapshot.apply(new Uint8Array(), 1).version satisfies number;
snapshot.state?.maxAge satisfies number | undefined;
snapshot.verify(maybe, { call: snapshot.prepare({ realm: "admin" }), now: 1 }).reason === "snapshot_stale";
// @ts-expect-error a snapshot needs keys
new Snapshot({});
snapshot.verify(maybe, { call: snapshot.route("GET", "/v1/orders/7") });
snapshot.verifyFields([["X-API-Key", "x"]]).allowed satisfies boolean;

declare const follower: SnapshotFollower;
const open = follower.verify("Bearer x", { method: "GET", path: "/status" });
if (open.allowed && open.user === null) open satisfies PublicAdmission;
// @ts-expect-error a public route has no user
if (open.allowed) open.user satisfies string;
const closed = follower.verify("Bearer x", { feature: "backup" });
if (closed.allowed) closed.user satisfies string;
const many = follower.verifyMany(["Bearer x"], { call: { feature: "backup" }, counts: false })[0];
if (many?.allowed === true) many.user satisfies string;
const manyRouted = follower.verifyMany(["Bearer x"], { call: { method: "GET", path: "/status" } })[0];
// @ts-expect-error a public route has no user
if (manyRouted?.allowed === true) manyRouted.user satisfies string;

try {
  createToken({ user: "", name: "x", access: "full" });
} catch (error) {
  if (error instanceof TokenlatchError) {
    const code: ErrorCode = error.code;
    const field: string | undefined = error.field;
    console.log(code, field);
  }
}
declare const console: { log(...values: unknown[]): void };
export const access: Access = { features: [] };
export { status, token };
