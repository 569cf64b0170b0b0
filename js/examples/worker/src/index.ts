// A Cloudflare Worker in front of an origin: tokens rest in D1, every request is verified, admitted ones are forwarded.
// The path /tokens lets the holder of a token manage his own.
import { createDatabase } from "db0";
import d1 from "db0/connectors/cloudflare-d1";
import { type Call, Latch, type TokenlatchError } from "tokenlatch";
import { type Identity, guard } from "tokenlatch/middleware/fetch";
import { db0Store } from "tokenlatch/stores/db0";

interface Env {
  /** Where admitted requests go, such as `https://origin.example`. */
  readonly ORIGIN: string;
}

const latch = new Latch({ store: db0Store(createDatabase(d1({ bindingName: "DB" }))), zone: "UTC" });

const TOKENS: Readonly<Record<string, string>> = { GET: "list", POST: "create_full_access", DELETE: "revoke" };

/** What a request wants to do, in the words of the module. */
function callOf(request: Request): Call {
  const { pathname } = new URL(request.url);
  if (pathname === "/tokens") return { module: "Tokens", function: TOKENS[request.method] ?? "unknown" };
  return { feature: "backup", writes: request.method !== "GET" && request.method !== "HEAD" };
}

async function forward(request: Request, identity: Identity, env: Env): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const forwarded = new Request(new URL(pathname + search, env.ORIGIN), request);
  // Set, not added: what the client says about itself must not reach the origin.
  forwarded.headers.set("X-Token-User", identity.user);
  forwarded.headers.set("X-Token-Name", identity.name);
  return fetch(forwarded);
}

async function manage(request: Request, { user, access }: Identity): Promise<Response> {
  if (request.method === "GET") return Response.json(await latch.list({ user }));
  const name = new URL(request.url).searchParams.get("name") ?? "";
  try {
    if (request.method === "DELETE") return Response.json(await latch.revoke({ user, names: [name] }));
    // Never more than the token that asks may do itself.
    const created = await latch.create({ user, name, access });
    return Response.json(created, { status: 201, headers: { "Cache-Control": "no-store" } });
  } catch (error) {
    const { code, message } = error as TokenlatchError;
    if (code === undefined) throw error;
    return Response.json({ code, message }, { status: code.startsWith("store_") ? 503 : 400 });
  }
}

export default {
  fetch: guard(
    latch,
    {
      call: callOf,
      // Cloudflare sets this header itself, whatever the client sends.
      address: (request) => request.headers.get("CF-Connecting-IP"),
      onRefusal: ({ status, reason, id, address }) => console.warn(JSON.stringify({ status, reason, id, address })),
    },
    async (request, identity, env: Env) =>
      new URL(request.url).pathname === "/tokens" ? manage(request, identity) : forward(request, identity, env),
  ),
};
