import { createToken, verifyToken } from "tokenlatch";

createToken({ user: "alice", name: "backup" });
createToken({ user: "alice", name: "backup", access: "full", readonly: true });
createToken({ user: "alice", name: "backup", access: "everything" });
createToken({ user: "alice", name: "backup", access: "full", expires: new Date() });
verifyToken({ authorization: null, record: null });
verifyToken({ authorization: null, record: null, account: null }).allowed = true;
