// Hono with the routes of a file, for a test: `node hono.mjs PORT ROUTES`. It answers with the index of the route.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { readFileSync } from "node:fs";

const [port, file] = process.argv.slice(2);
const app = new Hono();
for (const [index, { method, path }] of JSON.parse(readFileSync(file, "utf8")).entries()) {
  // Hono decodes a path before it looks for a route.
  const segments = path.split("/").map((segment) => {
    const [, rest, name] = /^\{(\*?)(\w+)\}$/.exec(segment) ?? [];
    if (name === undefined) return decodeURIComponent(segment);
    return rest ? "*" : `:${name}`;
  });
  const answer = (context) => context.body(null, 200, { "X-Route": `${index}` });
  if (method === "*") app.all(segments.join("/"), answer);
  else app.on(method, segments.join("/"), answer);
}
serve({ fetch: app.fetch, port: Number(port), hostname: "127.0.0.1" });
