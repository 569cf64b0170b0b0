// Express with the routes of a file, for a test: `node express.mjs PORT ROUTES`. It answers with the index of the route.
import express from "express";
import { readFileSync } from "node:fs";

const [port, file] = process.argv.slice(2);
const app = express();
for (const [index, { method, path }] of JSON.parse(readFileSync(file, "utf8")).entries()) {
  const segments = path.split("/").map((segment) => {
    const [, rest, name] = /^\{(\*?)(\w+)\}$/.exec(segment) ?? [];
    if (name === undefined) return segment.replace(/[^\w/%-]/g, "\\$&");
    return rest ? `*${name}` : `:${name}`;
  });
  const serve = (_, response) => response.set("X-Route", `${index}`).end();
  app[method === "*" ? "all" : method.toLowerCase()](segments.join("/"), serve);
}
app.listen(Number(port), "127.0.0.1");
