// An API that knows nothing of tokens. The guard in front of it says who asks.
import { createServer } from "node:http";

const orders = [{ id: 1, article: "tea" }];

const answers = {
  "GET /v1/orders": () => [200, orders],
  "POST /v1/orders": () => {
    orders.push({ id: orders.length + 1, article: "coffee" });
    return [201, orders.at(-1)];
  },
  "GET /v1/status": () => [200, { orders: orders.length }],
};

createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const answer = answers[`${request.method} ${pathname}`] ?? (() => [404, { error: "not found" }]);
  const [status, body] = answer();
  console.log(`${request.method} ${pathname} by ${request.headers["x-tokenlatch-user"] ?? "nobody"}: ${status}`);
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}).listen(3000, "127.0.0.1");
