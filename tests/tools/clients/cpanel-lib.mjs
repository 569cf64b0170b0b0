// The public client `cpanel-lib`, unchanged: WHM's token functions, lists with brackets, and API 2 through the guard.
// Takes the user and the port; the token is in the environment. Says `done` at the end.
import assert from "node:assert/strict";
import { promisify } from "node:util";
import { require } from "./lib.mjs";

const { createClient } = require("cpanel-lib");
const [username, port] = process.argv.slice(2);

function client(accessKey) {
  return createClient({ host: "localhost", port: Number(port), secure: true, username, accessKey });
}

const whm = client(process.env.TOKEN);
const call = (client, name, query) => promisify(client.call)(name, { "api.version": 1, ...query });

const made = await call(whm, "api_token_create", { token_name: "lib", acl: ["list-accts", "create-acct"] });
assert.equal(made.metadata.result, 1, made.metadata.reason);
assert.deepEqual(made.data.acls, ["list-accts", "create-acct"]);
const listed = await call(whm, "api_token_list");
assert.deepEqual(listed.data.tokens.lib.acls, { "list-accts": 1, "create-acct": 1 });

const limited = client(made.data.token);
assert.equal((await call(limited, "listaccts")).data.acct[0].user, "alice");
const wide = await call(limited, "api_token_create", { token_name: "wider" });
assert.equal(wide.cpanelresult.error, "Access denied", "it can't make others");

const pops = await promisify(whm.callApi2)("Email", "listpops", {}, "alice");
assert.equal(pops.cpanelresult.data[0].email, "a@example.com");
const api1 = await promisify(whm.callApi1)("Email", "listpops", [], "alice");
assert.match(api1.cpanelresult.error, /UAPI or API 2 calls only/);

assert.equal((await call(whm, "api_token_revoke", { token_name: "lib" })).metadata.result, 1);
const revoked = await call(limited, "listaccts");
assert.equal(revoked.cpanelresult.error, "Access denied");
console.log("done");
