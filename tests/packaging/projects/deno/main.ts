import { createToken, verifyToken } from "tokenlatch";

const { token, record } = createToken({ user: "alice", name: "backup", access: "full" });
const { reason } = verifyToken({ authorization: `Bearer ${token}`, record, account: { user: "alice", features: "all" } });
console.log(reason);
