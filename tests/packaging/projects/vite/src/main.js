import { createToken, validate, verifyToken } from "tokenlatch";

const { token, record } = createToken({ user: "alice", name: "backup", access: "full", prefix: "tl" });
const { reason } = verifyToken({ authorization: `Bearer ${token}`, record, account: { user: "alice", features: "all" } });
document.querySelector("output").textContent = `${reason} ${validate({ token }).valid}`;
