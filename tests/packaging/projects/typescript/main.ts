import { TokenTable, TokenlatchError, createToken, verifyToken, type TokenRecord, type Verdict } from "tokenlatch";
import { start } from "tokenlatch/module";

const { token, record } = createToken({ user: "alice", name: "backup", access: { features: ["backup"] }, expires: "never" });
const stored: TokenRecord = record;
const verdict: Verdict = verifyToken({
  authorization: `Bearer ${token}`,
  record: stored,
  account: { user: "alice", features: "all" },
  call: { feature: "backup", writes: false },
});
const table: TokenTable = new TokenTable({ records: [stored] });
const begin: (compiled: WebAssembly.Module) => void = start;
try {
  createToken({ user: "", name: "backup", access: "full" });
} catch (error) {
  if (error instanceof TokenlatchError) console.log(verdict.reason, table.size, error.code, typeof begin);
}
