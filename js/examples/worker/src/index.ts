// A Cloudflare Worker in front of an origin: tokens are stored in D1, every request is verified, and admitted ones are forwarded.
// At the path /tokens, the holder of a token can manage those of their own tokens that have no more access than it.
import { createDatabase } from "db0";
import d1 from "db0/connectors/cloudflare-d1";
import { type Call, Latch, type TokenlatchError } from "tokenlatch";
import { type Identity, guard } from "tokenlatch/middleware/fetch";
import { forwarded } from "tokenlatch/middleware/forward";
import { db0Store } from "tokenlatch/stores/db0";

interface Env {
  /** The origin for admitted requests, such as `https://origin.example`. */
  readonly ORIGIN: string;
}

const latch = new Latch({ store: db0Store(createDatabase(d1({ bindingName: "DB" }))), zone: "UTC" });

const TOKENS: Readonly<Record<string, string>> = { GET: "list", POST: "create_full_access", DELETE: "revoke" };

/** What a request wants to do, as a call for the module. */
function callOf(request: Request): Call {
  const { pathname } = new URL(request.url);
  if (pathname === "/tokens") return { module: "Tokens", function: TOKENS[request.method] ?? "unknown" };
  return { feature: "backup", writes: request.method !== "GET" && request.method !== "HEAD" };
}

/** Forwards a request to the origin only, without headers by which the client could claim an identity. */
async function forward(request: Request, { user, name }: Identity, env: Env): Promise<Response> {
  return fetch(forwarded(request, env.ORIGIN, { "X-Token-User": user, "X-Token-Name": name }));
}

async function manage(request: Request, by: Identity): Promise<Response> {
  const name = new URL(request.url).searchParams.get("name") ?? "";
  const headers = { "Cache-Control": "no-store" };
  try {
    switch (request.method) {
      case "GET":
        return Response.json(await latch.list({ by, pageSize: 1_000 }), { headers });
      case "DELETE":
        return Response.json(await latch.revoke({ by, names: [name] }), { headers });
      case "POST":
        // With `by` the new token has at most the access, the addresses and the lifetime of the request's token.
        return Response.json(await latch.create({ by, name, access: by.access, readOnly: by.readOnly }), { status: 201, headers });
      default:
        return new Response(null, { status: 405, headers: { ...headers, Allow: "GET, POST, DELETE" } });
    }
  } catch (error) {
    const { code, message } = error as TokenlatchError;
    if (code === undefined) throw error;
    return Response.json({ code, message }, { status: code.startsWith("store_") || code === "module_broken" ? 503 : 400, headers });
  }
}

export default {
  fetch: guard(
    latch,
    {
      call: callOf,
      // Cloudflare sets this header and overwrites the client's.
      address: (request) => request.headers.get("CF-Connecting-IP"),
      onRefusal: ({ status, reason, id, address }) => console.warn(JSON.stringify({ status, reason, id, address })),
    },
    async (request, identity, env: Env) =>
      new URL(request.url).pathname === "/tokens" ? manage(request, identity) : forward(request, identity, env),
  ),
};
