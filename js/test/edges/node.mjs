// A service in Node that verifies by a follower.
import { createServer } from "node:http";

import { SnapshotFollower } from "tokenlatch";

import { ORIGIN, ORIGIN_TOKEN, PUBLIC_KEYS, interval, started, warn } from "./settings.mjs";

const follower = new SnapshotFollower({
  url: ORIGIN,
  publicKeys: PUBLIC_KEYS.split(" "),
  authorization: `whm ${ORIGIN_TOKEN}`,
  interval,
  onError: warn,
});
follower.start();

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const verdict = follower.verify(request, { feature: "backup", writes: false }, request.socket.remoteAddress);
  if (verdict.allowed) return void response.end();
  const { status, reason, id, refusal } = verdict;
  console.error(JSON.stringify({ status, reason, id }));
  response.writeHead(refusal.status, refusal.headers).end(refusal.body);
});
server.listen(0, "127.0.0.1", () => {
  started(`http://127.0.0.1:${server.address().port}`, () => follower.stop());
});
