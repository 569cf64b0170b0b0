// A guarded handler behind one that reads the body first, with the server of each runtime.
import { Latch, createToken } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { memoryStore } from "tokenlatch/stores/memory";

const entropy = Array.from({ length: 64 }, (_, index) => ((index * 37 + 11) & 0xff).toString(16).padStart(2, "0")).join("");
let guarded;
let token;

/** Made at the first request, because a worker has no clock before. */
function prepared() {
  if (guarded !== undefined) return;
  const made = createToken({ entropy, user: "alice", name: "backup", access: "full", expires: "never" });
  token = made.token;
  const latch = new Latch({ store: memoryStore({ records: [made.record], accounts: [{ user: "alice", features: "all" }] }) });
  guarded = guard(latch, {}, async (request, { user }) => {
    const holds = request.headers.has("Authorization") || new Request("http://h/", { method: "POST", headers: request.headers }).headers.has("Authorization");
    const body = await request.text().catch(() => null);
    return Response.json({ user, holds, body, other: request.headers.get("X-Other") });
  });
}

/** Answers `/read` after reading the body, and anything else before. */
export async function serve(request) {
  prepared();
  if (new URL(request.url).pathname === "/read") await request.text();
  return guarded(request);
}

/** Requests both from a server, and returns the answers. */
export async function asked(url, send = fetch) {
  prepared();
  const said = {};
  for (const path of ["whole", "read"]) {
    for (const authorization of [`Bearer ${token}`, "Bearer x"]) {
      const response = await send(`${url}/${path}`, { method: "POST", body: "content", headers: { Authorization: authorization, "X-Other": "kept" } });
      (said[path] ??= []).push(response.status, response.status === 200 ? await response.json() : (await response.text()).length > 0);
    }
  }
  return said;
}
