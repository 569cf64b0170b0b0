/* @ts-self-types="./forward.d.ts" */

import { LatchError } from "../types/latch-error.js";

/**
 * Headers by which a client could make the API behind believe in another path, method, person, address or host than the
 * ones that were judged. The guard of `tokenlatch serve` removes the same ones (`core/src/header.rs`).
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
    // The token itself, and what belongs to the connection.
    "authorization proxy-authorization host connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect",
  ].flatMap((names) => names.split(" ")),
);
const DANGEROUS_PREFIXES = [
  "x-tokenlatch- x-token- x-auth-request- x-forwarded- remote- x-remote- x-authentik- x-goog-authenticated-user- cf-access-",
  "x-amzn-oidc- x-ms-client-principal tailscale-user- ssl-client- x-ssl-client-",
].flatMap((names) => names.split(" "));

/**
 * The request to send on to the API behind: its path and query at the given origin, whatever they look like, its method, its
 * body, and those of its headers that claim nothing: no token, no person, no address, no other path or method. Redirects
 * aren't followed. Of the connection nothing is passed on, so no WebSocket can be opened through it.
 *
 * @param origin scheme, host and port, such as `https://origin.example`
 * @param headers what the API is to know, such as whom the request acts for; what is null is left out
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
  // Set apart: resolved against the origin, a path of `//other.example/` would be another host.
  const { pathname, search } = new URL(request.url);
  target.pathname = pathname;
  target.search = search;
  const kept = [...request.headers].filter(([name]) => isHarmless(name));
  const sent = new Headers(kept);
  for (const [name, value] of Object.entries(headers)) {
    sent.delete(name);
    if (value !== null) sent.set(name, value);
  }
  const { method, body, signal } = request;
  // Undici wants `duplex` for a body that is a stream; the types of the browser don't know it.
  const init: RequestInit & { duplex: "half" } = { method, headers: sent, body, redirect: "manual", duplex: "half" };
  if (signal instanceof AbortSignal) init.signal = signal;
  return new Request(target, init);
}

function isHarmless(name: string): boolean {
  // Programs behind CGI or WSGI can't tell `x_tokenlatch_user` from `x-tokenlatch-user`.
  if (!/^[a-z0-9-]+$/.test(name)) return false;
  return !DANGEROUS.has(name) && !DANGEROUS_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function originOf(origin: string | URL): URL {
  const text = String(origin);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw new LatchError("option_invalid", "`origin` must be the scheme, host and port of the API behind", { field: "origin" });
}
