import { createToken, verifyToken } from "tokenlatch/inline";

const { token, record } = createToken({ user: "alice", name: "backup", access: "full", prefix: "tl" });
const { reason } = verifyToken({ authorization: `Bearer ${token}`, record, account: { user: "alice", features: "all" } });
console.log(reason);
