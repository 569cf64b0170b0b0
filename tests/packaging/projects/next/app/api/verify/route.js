import { createToken, verifyToken } from "tokenlatch";

export const runtime = "edge";
export const dynamic = "force-dynamic";

export function GET() {
  const { token, record } = createToken({ user: "alice", name: "backup", access: "full" });
  const { reason } = verifyToken({ authorization: `Bearer ${token}`, record, account: { user: "alice", features: "all" } });
  return new Response(`${reason} ${typeof EdgeRuntime}`);
}
