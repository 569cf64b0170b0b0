import { Latch, createToken } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { memoryStore } from "tokenlatch/stores/memory";

const { token, record } = createToken({ user: "alice", name: "backup", access: "full" });
const latch = new Latch({ store: memoryStore({ records: [record], accounts: [{ user: "alice", features: "all" }] }) });

/** The token, for the test. */
export function GET() {
  return new Response(token);
}

export const dynamic = "force-dynamic";

// The request is one of Next's own class, behind a proxy of its own.
export const POST = guard(latch, {}, async (request, { user }) => {
  return Response.json({ user, path: request.nextUrl.pathname, holds: request.headers.has("Authorization"), body: await request.text() });
});
