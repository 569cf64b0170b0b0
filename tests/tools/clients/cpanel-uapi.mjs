// The public client `cpanel-uapi`, unchanged: a token's whole life over UAPI, and a function that the guard passes on. It is
// published as TypeScript alone, so it is compiled first.
// Takes the user, the port and the file that the compiled code goes to; the token is in the environment. Says `done` at the
// end.
import assert from "node:assert/strict";
import { require } from "./lib.mjs";

const [username, port, outfile] = process.argv.slice(2);
require("esbuild").buildSync({
  entryPoints: [require.resolve("cpanel-uapi/src/index.ts")],
  bundle: true,
  platform: "node",
  format: "cjs",
  outfile,
  logLevel: "error",
});
const { default: authorize, Email, Tokens } = require(outfile);
const as = (token) => authorize({ username, token, cpanelUri: `https://localhost:${port}` });

// What it gives is the reply, whatever its status.
as(process.env.TOKEN);
const made = await Tokens.createfullaccess({ name: "uapi", expires_at: 4000000000 });
assert.equal(made.status, 1, made.errors?.[0]);
assert.equal(made.data.token.length, 32);
const again = await Tokens.createfullaccess({ name: "uapi" });
assert.equal(again.status, 0);
assert.equal(again.errors.length, 1);
assert.equal((await Tokens.rename({ name: "uapi", new_name: "uapi-2" })).status, 1);

as(made.data.token);
const listed = await Tokens.list();
assert.equal(listed.data.find(({ name }) => name === "uapi-2").expires_at, 4000000000);
assert.deepEqual((await Email.listpops({ no_validate: true })).data, [{ email: "a@example.com" }]);
assert.equal((await Tokens.revoke({ name: "uapi-2" })).data, 1);
assert.equal((await Tokens.list()).cpanelresult.error, "Access denied");
console.log("done");
