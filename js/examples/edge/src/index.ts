// A Cloudflare Worker without a database, in front of a REST API: each isolate holds the origin's signed table and decides from memory, by
// the routes of the API. One Durable Object follows the origin by long polls and serves its messages to the isolates, which verify the
// origin's signature.
import { DurableObject } from "cloudflare:workers";
import { type Catalogue, SnapshotFollower, SnapshotRelay } from "tokenlatch";
import { guard } from "tokenlatch/middleware/fetch";
import { forwarded } from "tokenlatch/middleware/forward";

import { durableStore } from "./durable-store.js";

interface Env {
  /** The origin's listener for edges (`--snapshot-listen`), such as `https://origin.example:2089`. */
  readonly ORIGIN: string;
  /** A secret, `user:token`: an administrator's token with the rights `snapshot-read` and `usage-report` only. */
  readonly ORIGIN_TOKEN: string;
  /** The origin's public keys in hex, separated by spaces. */
  readonly PUBLIC_KEYS: string;
  /** The backend for admitted requests, such as `https://backend.example`. */
  readonly BACKEND: string;
  readonly FOLLOWER: DurableObjectNamespace;
}

/** The routes of the backend, and what each needs. All other requests are refused, so a new route of the backend stays closed until it is here. */
const catalogue: Catalogue = {
  default: "deny",
  routes: [
    { method: "GET", path: "/v1/backups", feature: "backup", writes: false },
    { method: "POST", path: "/v1/backups", feature: "backup", writes: true },
    { method: "GET", path: "/v1/backups/{id}", feature: "backup", writes: false },
    { method: "DELETE", path: "/v1/backups/{id}", feature: "backup", writes: true },
    // Needs no token.
    { method: "GET", path: "/status", feature: null, writes: false, public: true },
  ],
};

/** How often an isolate requests changes from the Durable Object, in milliseconds. */
const FRESH = 500;

/** How long the Durable Object follows the origin after the last request of an isolate, in milliseconds. */
const IDLE = 600_000;

const warn = (error: Error) => console.warn(JSON.stringify({ code: (error as { code?: string }).code, message: error.message }));

/** Follows the origin for all isolates. Alarms wake it, because nothing else runs between requests. */
export class Follower extends DurableObject<Env> {
  readonly #relay = new SnapshotRelay();
  readonly #follower: SnapshotFollower;
  #lastRequest = 0;
  #isFollowing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#follower = new SnapshotFollower({
      url: env.ORIGIN,
      publicKeys: env.PUBLIC_KEYS.split(" "),
      authorization: `whm ${env.ORIGIN_TOKEN}`,
      store: durableStore(ctx.storage),
      usage: false, // the isolates report usage
      onMessage: (message) => this.#relay.take(message),
      onError: warn,
    });
  }

  override async fetch(request: Request): Promise<Response> {
    this.#lastRequest = Date.now();
    if (!this.#isFollowing && (await this.ctx.storage.getAlarm()) === null) await this.#wake(0);
    if (!this.#follower.ready) await this.#follower.poll();
    return (await this.#relay.respond(request)) ?? this.#report(request);
  }

  override async alarm(): Promise<void> {
    this.#isFollowing = true;
    try {
      const { error } = await this.#follower.poll({ wait: 25 });
      if (Date.now() - this.#lastRequest < IDLE) await this.#wake(error === null ? 0 : 1_000);
    } finally {
      this.#isFollowing = false;
    }
  }

  /** Sets the alarm without waiting for the disk: if it is lost, the next request sets it again. */
  async #wake(milliseconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + milliseconds, { allowUnconfirmed: true });
  }

  /** Forwards an isolate's usage report with its number, so that it is counted once. */
  async #report(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response(null, { status: 404 });
    const headers = { Authorization: `whm ${this.env.ORIGIN_TOKEN}`, "Content-Type": "application/json" };
    return fetch(new URL("snapshot/usage", `${this.env.ORIGIN}/`), { method: "POST", headers, body: await request.text() });
  }
}

let follower: SnapshotFollower | undefined;
let polled = 0;

/** The follower of this isolate. Its origin is the Durable Object. */
function followerOf(env: Env): SnapshotFollower {
  follower ??= new SnapshotFollower({
    url: "http://follower",
    publicKeys: env.PUBLIC_KEYS.split(" "),
    catalogue,
    usage: { interval: 10_000 },
    timeout: 2_000,
    // A stub can only be used in the request that made it.
    fetch: (url, init) => env.FOLLOWER.get(env.FOLLOWER.idFromName("follower")).fetch(url, init),
    onError: warn,
  });
  return follower;
}

const guarded = guard(
  followerOf,
  {
    call: "route",
    // Cloudflare sets this header and overwrites the client's.
    address: (request) => request.headers.get("CF-Connecting-IP"),
    onRefusal: ({ status, reason, id, address }) => console.warn(JSON.stringify({ status, reason, id, address })),
  },
  // To the backend only, without headers by which the client could claim an identity. A request of a public route has none.
  async (request, identity, env: Env) => fetch(forwarded(request, env.BACKEND, { "X-Token-User": identity?.user ?? null })),
);

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    // Two requests per second wait for changes; all others are answered from memory.
    if (Date.now() - polled > FRESH || !followerOf(env).ready) {
      polled = Date.now();
      await followerOf(env).poll();
    }
    return guarded(request, env);
  },
};
