// A Cloudflare Worker that needs no database: each isolate holds the origin's signed table and decides from memory. One Durable
// Object follows the origin by long polls and hands on what it takes; the isolates verify the origin's signature themselves.
import { DurableObject } from "cloudflare:workers";
import { SnapshotFollower, SnapshotRelay } from "tokenlatch";
import { type SnapshotIdentity, guard } from "tokenlatch/middleware/fetch";
import { forwarded } from "tokenlatch/middleware/forward";

import { durableStore } from "./durable-store.js";

interface Env {
  /** The origin's listener for edges (`--snapshot-listen`), such as `https://origin.example:2089`. */
  readonly ORIGIN: string;
  /** A secret, `user:token`: an administrator's token with the rights `snapshot-read` and `usage-report`, and no more. */
  readonly ORIGIN_TOKEN: string;
  /** The origin's public keys in hex, with a space between two. */
  readonly PUBLIC_KEYS: string;
  /** Where admitted requests go, such as `https://backend.example`. */
  readonly BACKEND: string;
  readonly FOLLOWER: DurableObjectNamespace;
}

/** How long an isolate decides without asking the Durable Object for changes, in milliseconds. */
const FRESH = 500;

/** How long the Durable Object goes on following when no isolate asks it any more, in milliseconds. */
const IDLE = 600_000;

const warn = (error: Error) => console.warn(JSON.stringify({ code: (error as { code?: string }).code, message: error.message }));

/** Follows the origin for all isolates. It is woken by alarms, because nothing else runs in it between requests. */
export class Follower extends DurableObject<Env> {
  readonly #relay = new SnapshotRelay();
  readonly #follower: SnapshotFollower;
  #asked = 0;
  #isFollowing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#follower = new SnapshotFollower({
      url: env.ORIGIN,
      publicKeys: env.PUBLIC_KEYS.split(" "),
      authorization: `whm ${env.ORIGIN_TOKEN}`,
      store: durableStore(ctx.storage),
      usage: false, // the isolates count
      onMessage: (message) => this.#relay.take(message),
      onError: warn,
    });
  }

  override async fetch(request: Request): Promise<Response> {
    this.#asked = Date.now();
    if (!this.#isFollowing && (await this.ctx.storage.getAlarm()) === null) await this.#wake(0);
    if (!this.#follower.ready) await this.#follower.poll();
    return (await this.#relay.respond(request)) ?? this.#report(request);
  }

  override async alarm(): Promise<void> {
    this.#isFollowing = true;
    try {
      const { error } = await this.#follower.poll({ wait: 25 });
      if (Date.now() - this.#asked < IDLE) await this.#wake(error === null ? 0 : 1_000);
    } finally {
      this.#isFollowing = false;
    }
  }

  /** No answer waits until this is on the disk: should it be lost, the next request wakes it. */
  async #wake(milliseconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + milliseconds, { allowUnconfirmed: true });
  }

  /** Sends an isolate's report of usage on: its number stays, so that it counts once. */
  async #report(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response(null, { status: 404 });
    const headers = { Authorization: `whm ${this.env.ORIGIN_TOKEN}`, "Content-Type": "application/json" };
    return fetch(new URL("snapshot/usage", `${this.env.ORIGIN}/`), { method: "POST", headers, body: await request.text() });
  }
}

let follower: SnapshotFollower | undefined;
let polled = 0;

/** This isolate's follower. Its origin is the Durable Object. */
function followerOf(env: Env): SnapshotFollower {
  follower ??= new SnapshotFollower({
    url: "http://follower",
    publicKeys: env.PUBLIC_KEYS.split(" "),
    usage: { interval: 10_000 },
    timeout: 2_000,
    // A stub belongs to the request that it was made in.
    fetch: (url, init) => env.FOLLOWER.get(env.FOLLOWER.idFromName("follower")).fetch(url, init),
    onError: warn,
  });
  return follower;
}

const guarded = guard(
  followerOf,
  {
    call: (request) => ({ feature: "backup", writes: request.method !== "GET" && request.method !== "HEAD" }),
    // Cloudflare sets this header itself, whatever the client sends.
    address: (request) => request.headers.get("CF-Connecting-IP"),
    onRefusal: ({ status, reason, id, address }) => console.warn(JSON.stringify({ status, reason, id, address })),
  },
  // To the backend, and nowhere else; what the client says about itself doesn't reach it.
  async (request, { user }: SnapshotIdentity, env: Env) => fetch(forwarded(request, env.BACKEND, { "X-Token-User": user })),
);

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    // Two requests a second ask for changes and wait for them; all others are answered from memory.
    if (Date.now() - polled > FRESH || !followerOf(env).ready) {
      polled = Date.now();
      await followerOf(env).poll();
    }
    return guarded(request, env);
  },
};
