// The public client `cpanel-rest-api`, unchanged: WHM's token functions, and UAPI for an account through the guard.
// Takes the user and the port; the token is in the environment. Says `done` at the end.
import assert from "node:assert/strict";
import { failure, require } from "./lib.mjs";

const { WHM } = require("cpanel-rest-api");
const [username, port] = process.argv.slice(2);
const client = (accessKey) => new WHM({ host: "localhost", port: Number(port), username, accessKey });

const whm = client(process.env.TOKEN);
const made = await whm.api({ action: "api_token_create", params: { token_name: "rest", expires_at: 4000000000 } });
assert.equal(made.token.length, 32);
assert.equal(made.expires_at, 4000000000);
assert.ok("rest" in (await client(made.token).api("api_token_list")).tokens);
// The reason is all that it tells its user.
assert.match(await failure(whm.api({ action: "api_token_create", params: { token_name: "no good" } })), /token_name/);
await whm.api({ action: "api_token_update", params: { token_name: "rest", new_name: "rest-2" } });

const pops = await whm.uapi("alice").api({ module: "Email", func: "list_pops", params: { no_validate: true } });
assert.deepEqual(pops, [{ email: "a@example.com" }]);
assert.equal((await whm.api("listaccts")).acct[0].user, "alice");

await whm.api({ action: "api_token_revoke", params: { token_name: "rest-2" } });
assert.match(await failure(client(made.token).api("api_token_list")), /401/);
console.log("done");
