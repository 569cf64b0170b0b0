/* @ts-self-types="./forward.d.ts" */

import { LatchError } from "../types/latch-error.js";

/**
 * Headers by which a client could make the upstream API assume another path, method, user, address or host than the verified ones.
 * The guard of `tokenlatch serve` removes the same headers (`core/src/auth/dangerous_fields.rs`).
 */
const DANGEROUS = new Set(
  [
    "x-original-url x-original-uri x-original-path x-original-method x-original-host x-rewrite-url x-rewrite-path x-override-url",
    "x-request-uri x-request-url x-real-uri x-real-url x-envoy-original-path x-envoy-original-url x-waws-unencoded-url",
    "x-middleware-subrequest x-invoke-path x-matched-path x-script-name x-http-method x-http-method-override x-method-override",
    "x-user x-webauth-user x-authenticated-user x-goog-iap-jwt-assertion client-cert client-cert-chain",
    "forwarded x-forwarded x-host x-real-ip x-client-ip x-cluster-client-ip client-ip true-client-ip cf-connecting-ip",
    "cf-connecting-ipv6 fly-client-ip fastly-client-ip x-original-forwarded-for x-envoy-external-address front-end-https",
    "x-url-scheme proxy",
    // The token itself, and headers of the connection.
    "authorization proxy-authorization host connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect",
  ].flatMap((names) => names.split(" ")),
);
const DANGEROUS_PREFIXES = [
  "x-tokenlatch- x-token- x-auth-request- x-forwarded- remote- x-remote- x-authentik- x-goog-authenticated-user- cf-access-",
  "x-amzn-oidc- x-ms-client-principal tailscale-user- ssl-client- x-ssl-client-",
].flatMap((names) => names.split(" "));

/**
 * Makes the request to forward to an upstream API: its path and query at the given origin, whatever they contain, its method, its body,
 * and its harmless headers: none with a token, a user, an address, or another path or method. Redirects aren't followed. Headers of the
 * connection aren't forwarded, so it can't open a WebSocket. Of the headers of the option `credentials`, `Authorization` is removed here, and the
 * others by the middleware: without it, pass `withoutAuthorization(request, latch.credentialFields(request))`.
 *
 * @param origin scheme, host and port, such as `https://origin.example`
 * @param headers headers to set, such as the user of the request; null removes a header
 *
 * @example
 * ```ts
 * import { guard } from "tokenlatch/middleware/fetch";
 * import { forwarded } from "tokenlatch/middleware/forward";
 *
 * export default {
 *   fetch: guard(latch, { call: { feature: "backup" } }, (request, identity, env) =>
 *     fetch(forwarded(request, env.ORIGIN, { "X-Token-User": identity.user })),
 *   ),
 * };
 * ```
 *
 * @throws LatchError `option_invalid` for anything but an origin.
 */
export function forwarded(request: Request, origin: string | URL, headers: Readonly<Record<string, string | null>> = {}): Request {
  const target = originOf(origin);
  // Set separately: resolved against the origin, the path `//other.example/` would be another host.
  const { pathname, search } = new URL(request.url);
  target.pathname = pathname;
  target.search = search;
  const kept = [...request.headers].filter(([name]) => isHarmless(name));
  const outgoing = new Headers(kept);
  for (const [name, value] of Object.entries(headers)) {
    outgoing.delete(name);
    if (value !== null) outgoing.set(name, value);
  }
  const { method, body, signal } = request;
  // Undici requires `duplex` for a stream as the body; the browser's types lack it.
  const init: RequestInit & { duplex: "half" } = { method, headers: outgoing, body, redirect: "manual", duplex: "half" };
  if (signal instanceof AbortSignal) init.signal = signal;
  return new Request(target, init);
}

function isHarmless(name: string): boolean {
  // CGI and WSGI programs can't distinguish `x_tokenlatch_user` from `x-tokenlatch-user`.
  if (!/^[a-z0-9-]+$/.test(name)) return false;
  return !DANGEROUS.has(name) && !DANGEROUS_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function originOf(origin: string | URL): URL {
  const text = String(origin);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw new LatchError("option_invalid", "`origin` must be the scheme, host and port of the upstream API", { field: "origin" });
}
