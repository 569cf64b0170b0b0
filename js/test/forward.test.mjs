// Forwarded requests: always to the given origin, and without claims of the client.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";

import { forwarded } from "tokenlatch/middleware/forward";

const ORIGIN = "https://origin.example:8443";
const to = (url, init, headers) => forwarded(new Request(url, init), ORIGIN, headers);

test("keeps the origin, whatever the path looks like", () => {
  for (const [url, path] of [
    ["http://h/a/b?c=d", "/a/b?c=d"],
    ["http://h//evil.example/steal", "//evil.example/steal"],
    ["http://h///evil.example/steal", "///evil.example/steal"],
    ["http://h/\\evil.example/steal", "//evil.example/steal"],
    ["http://h/\\\\evil.example", "///evil.example"],
    ["http://h//user:pass@evil.example:99/x", "//user:pass@evil.example:99/x"],
    ["http://h/https://evil.example/x", "/https://evil.example/x"],
    ["http://h/%2f%2fevil.example", "/%2f%2fevil.example"],
    ["http://h/../../..//evil.example", "//evil.example"],
    ["http://h/%2e%2e//evil.example", "//evil.example"],
    ["http://h/.//evil.example", "//evil.example"],
    ["http://h/@evil.example", "/@evil.example"],
    ["http://h/:99/", "/:99/"],
    ["http://h?//evil.example", "/?//evil.example"],
    ["http://h/x#//evil.example", "/x"],
    ["http://h/\t/evil.example", "//evil.example"],
    ["http://evil.example/x", "/x"],
  ]) {
    const { url: sent } = to(url);
    assert.equal(sent, ORIGIN + path, url);
    assert.equal(new URL(sent).origin, ORIGIN, url);
  }
});

test("accepts an origin only", () => {
  for (const origin of ["", "origin", "//origin.example", "ftp://origin.example", "javascript:1", "https://origin.example/base", "https://a@origin.example", "https://origin.example?x", "https://origin.example/#x", "file:///etc", null, undefined, 7]) {
    assert.throws(() => forwarded(new Request("http://h/"), origin), { code: "option_invalid", field: "origin" }, String(origin));
  }
  assert.equal(forwarded(new Request("http://h/x"), "http://127.0.0.1:8080/").url, "http://127.0.0.1:8080/x");
  assert.equal(forwarded(new Request("http://h/x"), new URL("https://origin.example")).url, "https://origin.example/x");
});

/** The guard's table, from the file in the Rust sources. */
function guards() {
  const file = new URL("../../core/src/auth/dangerous_fields.rs", import.meta.url);
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  const names = [...text.matchAll(/^ {4}\(?"([a-z-]+)"(?:, \w+\))?,$/gm)].map((match) => match[1]);
  assert.ok(names.length > 60, `only ${names.length} names can be read`);
  return names;
}

test("drops headers that claim a user, an address, a host, another path or method, and the token", () => {
  const claims = [
    ...["X-Tokenlatch-User", "X_Tokenlatch_User", "X.Tokenlatch.User", "x-TOKENLATCH-anything", "X-Token-User", "X-Token-Name", "Remote-User", "X-Remote-User"],
    ...["X-Auth-Request-Anything", "X-Forwarded-For", "X-Forwarded-Anything", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Host"],
    ...["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "Proxy", "Content_Length", "Authorization"],
    ...["Proxy-Authorization", "X-Middleware-Subrequest"],
    ...guards().filter((name) => !["x-request-id"].includes(name)).map((name) => (name.endsWith("-") ? `${name}x` : name)),
  ];
  for (const name of claims) {
    const { headers } = to("http://h/", { headers: { [name]: "root", Accept: "text/html", "X-Request-Id": "7", Cookie: "a=b" } });
    assert.deepEqual([...headers].map(([kept]) => kept), ["accept", "cookie", "x-request-id"], name);
  }
});

test("sets the given headers, overriding the client's, and leaves out null ones", () => {
  const { headers } = to("http://h/", { headers: { "X-User-Of-Mine": "root", "X-Name": "root" } }, { "X-User-Of-Mine": "alice", "X-Name": null, "X-Token-User": "alice" });
  assert.deepEqual([...headers], [["x-token-user", "alice"], ["x-user-of-mine", "alice"]]);
});

test("forwards method and body, and follows no redirect", async () => {
  const request = to("http://h/x", { method: "POST", body: "content", headers: { "Content-Type": "text/plain" } });
  assert.deepEqual([request.method, request.redirect, request.headers.get("Content-Type"), await request.text()], ["POST", "manual", "text/plain", "content"]);
  assert.equal(to("http://h/x", { method: "HEAD" }).method, "HEAD");
});

test("over the wire: the host is the origin's, the body complete, and a redirect is returned to the client", async () => {
  const seen = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    seen.push([request.method, request.url, request.headers.host, body]);
    response.writeHead(302, { Location: "http://evil.example/" }).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${server.address().port}`;
  try {
    const asked = new Request("http://h//evil.example/x?y", { method: "PUT", body: "a".repeat(100_000) });
    const response = await fetch(forwarded(asked, `http://${host}`));
    assert.equal(response.status, 302);
    assert.deepEqual(seen, [["PUT", "//evil.example/x?y", host, "a".repeat(100_000)]]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
