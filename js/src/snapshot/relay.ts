/* @ts-self-types="./relay.d.ts" */

import { pause } from "../runtime/timer.js";
import type { SnapshotState } from "../types/index.js";
import type { FollowerMessage } from "./follower-options.js";

const CONTENT_TYPE = "application/vnd.tokenlatch.snapshot";

/** The longest wait of a long poll, in seconds. */
const MAX_WAIT = 60;

/**
 * Serves the messages of one follower to other followers, under the same paths as the origin: for example, a Durable Object that
 * follows the origin and serves its isolates. It needn't be trusted, because its followers verify the origin's signatures. It holds
 * the messages in memory, beside the follower's table. It serves followers of this package only: when nothing is new it may answer
 * 204, which `tokenlatch serve --follow` treats as a failure.
 *
 * @example
 * ```js
 * const relay = new SnapshotRelay();
 * const follower = new SnapshotFollower({ url, publicKeys, authorization, onMessage: (message) => relay.take(message) });
 * follower.start();
 * Deno.serve(async (request) => (await relay.respond(request)) ?? new Response(null, { status: 404 }));
 * ```
 */
export class SnapshotRelay {
  #snapshot: FollowerMessage | undefined;
  /** The deltas since the snapshot, by the version that they start from. */
  readonly #deltas = new Map<number, FollowerMessage>();
  #heartbeat: FollowerMessage | undefined;
  #table: SnapshotState | undefined;
  /** Aborted when the next message arrives. */
  #next = new AbortController();

  /**
   * Adds a message of the follower. Pass it as the follower's `onMessage`.
   *
   * @example
   * ```js
   * relay.take(message);
   * ```
   */
  take(message: FollowerMessage): void {
    const { base, table } = message;
    if (base === null) {
      this.#snapshot = message;
      this.#deltas.clear();
      this.#heartbeat = undefined;
    } else if (base === table.version) {
      this.#heartbeat = message;
    } else {
      this.#deltas.set(base, message);
      this.#heartbeat = undefined;
    }
    this.#table = table;
    this.#next.abort();
    this.#next = new AbortController();
  }

  /**
   * Answers `GET …/snapshot` and `GET …/snapshot/deltas?since=EPOCH-VERSION&wait=SECONDS` as the origin does. Returns null for any
   * other request. Authorize the request first; the messages hold hashes, not secrets.
   *
   * @example
   * ```js
   * const response = await relay.respond(request);
   * ```
   */
  async respond(request: { readonly method: string; readonly url: string; readonly signal?: AbortSignal }): Promise<Response | null> {
    const { pathname, searchParams } = new URL(request.url);
    const isSnapshot = pathname.endsWith("/snapshot");
    if (request.method !== "GET" || !(isSnapshot || pathname.endsWith("/snapshot/deltas"))) return null;
    if (this.#snapshot === undefined) return answer(503);
    if (isSnapshot) return answer(200, this.#snapshot);
    const since = /^(\d{1,16})-(\d{1,16})$/.exec(searchParams.get("since") ?? "");
    const wait = Number(searchParams.get("wait") ?? 0);
    if (since === null || !(wait >= 0)) return answer(400);
    const [epoch, version] = [Number(since[1]), Number(since[2])];
    if (wait > 0 && this.#isCurrent(epoch, version)) await this.#change(Math.min(wait, MAX_WAIT), request.signal);
    if (this.#isCurrent(epoch, version)) return this.#heartbeat === undefined ? answer(204) : answer(200, this.#heartbeat);
    const delta = epoch === this.#table?.epoch ? this.#deltas.get(version) : undefined;
    return delta === undefined ? answer(409) : answer(200, delta);
  }

  #isCurrent(epoch: number, version: number): boolean {
    return this.#table?.epoch === epoch && this.#table.version === version;
  }

  /** Waits for the next message or heartbeat. */
  async #change(seconds: number, signal: AbortSignal | undefined): Promise<void> {
    const { signal: next } = this.#next;
    await pause(seconds * 1_000, signal === undefined ? next : AbortSignal.any([next, signal]));
  }
}

function answer(status: number, message?: FollowerMessage): Response {
  const headers = { "Content-Type": CONTENT_TYPE, "Cache-Control": "no-store" };
  if (message === undefined) return new Response(null, { status, headers: { "Cache-Control": "no-store" } });
  return new Response(message.bytes as BufferSource, { status, headers });
}
