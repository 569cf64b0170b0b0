const { TokenTable, TokenlatchError, createToken, verifyToken } = require("tokenlatch");
const { callJson, start } = require("tokenlatch/module");
const { memoryStore } = require("tokenlatch/stores/memory");

const account = { user: "alice", features: "all" };
const { token, record } = createToken({ user: "alice", name: "backup", access: "full" });
const authorization = `cpanel alice:${token}`;
const { reason } = verifyToken({ authorization, record, account });
const inTable = new TokenTable({ records: [record], accounts: [account] }).verify(authorization).reason;
let code;
try {
  start({});
  code = JSON.parse(callJson("{")).error.code;
} catch (error) {
  code = error instanceof TokenlatchError && error.code;
}
console.log(reason, inTable, code, typeof memoryStore);
