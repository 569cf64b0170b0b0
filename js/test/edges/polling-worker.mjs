// A worker without a Durable Object: each isolate polls the origin, at most once per interval.
import { SnapshotFollower } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";

let follower;
let polled = 0;

const followerOf = (env) =>
  (follower ??= new SnapshotFollower({
    url: env.ORIGIN,
    publicKeys: env.PUBLIC_KEYS.split(" "),
    authorization: `whm ${env.ORIGIN_TOKEN}`,
    onError: ({ code, message }) => console.warn(JSON.stringify({ code, message })),
  }));

const guarded = guard(
  followerOf,
  {
    call: { feature: "backup", writes: false },
    onRefusal: ({ status, reason, id }) => console.warn(JSON.stringify({ status, reason, id })),
  },
  () => new Response(null),
);

export default {
  async fetch(request, env) {
    if (Date.now() - polled >= env.INTERVAL || !followerOf(env).ready) {
      polled = Date.now();
      await followerOf(env).poll();
    }
    return guarded(request, env);
  },
};
