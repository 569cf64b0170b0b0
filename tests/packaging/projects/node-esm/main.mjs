import { createRequire } from "node:module";

import { TokenTable, createToken, verifyToken } from "tokenlatch";

const account = { user: "alice", features: "all" };
const { token, record } = createToken({ user: "alice", name: "backup", access: "full" });
const authorization = `cpanel alice:${token}`;
const { reason } = verifyToken({ authorization, record, account });
const inTable = new TokenTable({ records: [record], accounts: [account] }).verify(authorization).reason;
// Where `require` can load an ECMAScript module, both give one instance.
const require = createRequire(import.meta.url);
const same = process.features.require_module ? require("tokenlatch").createToken === createToken : true;
console.log(reason, inTable, same);
