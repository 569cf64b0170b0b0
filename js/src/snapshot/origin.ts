/* @ts-self-types="./origin.d.ts" */

import { monotonic } from "../runtime/clock.js";
import { unref } from "../runtime/timer.js";
import { LatchError } from "../types/latch-error.js";
import { type FollowerOptions, baseOf, checkHeader } from "./follower-options.js";

/** The bytes of a message as they come; ends with undefined. */
export type Pieces = () => Promise<Uint8Array | undefined>;

/** The caller of a request: it hears of every sign of life, and can abort. */
export interface Asking {
  /** Called whenever something has come. */
  heard(): void;
  /** Breaks the request off. */
  readonly signal: AbortSignal;
}

/**
 * The lowest average rate of an answer's body, in bytes a millisecond, and the longest time that all of it may take. An origin that
 * sends a byte now and then is never silent; without these it would hold a follower forever.
 */
const LEAST_RATE = 16;
const LONGEST_BODY = 120_000;

/** The HTTP side of following. No error that it throws quotes the header that it sends. */
export class Origin {
  readonly #base: string;
  readonly #authorization: FollowerOptions["authorization"];
  readonly #fetch: NonNullable<FollowerOptions["fetch"]>;
  readonly #timeout: number;

  constructor(options: FollowerOptions) {
    this.#base = baseOf(options);
    this.#authorization = options.authorization;
    // Looked up at each request, and called as a function: edge runtimes refuse it with another `this`.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#timeout = options.timeout ?? 5_000;
  }

  /** For how long the origin may be silent, in milliseconds. */
  get timeout(): number {
    return this.#timeout;
  }

  /**
   * Asks for a message and hands its bytes to `take`.
   *
   * @returns what `take` gives, `"same"` when nothing is new (204), `"gap"` when deltas don't lead on from there (409)
   * @throws LatchError `origin_failed` or `origin_timeout`; what `take` throws.
   */
  async message<T>(path: string, wait: number, asking: Asking, take: (pieces: Pieces) => Promise<T>): Promise<T | "same" | "gap"> {
    return this.#ask(path, { method: "GET" }, wait * 1_000, asking, async (response, pieces) => {
      if (response.status === 204) return "same";
      if (response.status === 409) return "gap";
      if (response.status !== 200) throw refused(response.status);
      return take(pieces);
    });
  }

  /**
   * Reports usage.
   *
   * @returns whether the origin has it; false when it will never take it
   * @throws LatchError `origin_failed` or `origin_timeout`: to be repeated.
   */
  async report(body: string, asking: Asking): Promise<boolean> {
    const init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
    return this.#ask("snapshot/usage", init, 0, asking, async ({ status }) => {
      if (status === 200 || status === 202 || status === 204) return true;
      // What is wrong with the report won't get right by sending it again.
      if (status === 400 || status === 413 || status === 422) return false;
      throw refused(status);
    });
  }

  async #ask<T>(
    path: string,
    init: RequestInit,
    patience: number,
    asking: Asking,
    read: (response: Response, pieces: Pieces) => Promise<T>,
  ): Promise<T> {
    // No `Headers`: with a `fetch` of the caller's there may be none.
    const headers: Record<string, string> = { ...(init.headers as Record<string, string> | undefined) };
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    asking.signal.addEventListener("abort", abort);
    if (asking.signal.aborted) abort();
    const silence = new Silence(aborter, this.#timeout);
    try {
      const authorization = await silence.within(0, async () => this.#header());
      if (authorization !== undefined) headers["Authorization"] = authorization;
      // A redirect isn't followed: it could lead the header elsewhere.
      const request = { ...init, headers, redirect: "manual", signal: aborter.signal } as const;
      const response = await silence.within(patience, () => this.#fetch(this.#base + path, request));
      asking.heard();
      const reader = response.body?.getReader();
      const began = monotonic();
      let length = 0;
      const pieces = async () => {
        const left = Math.min(this.#timeout + length / LEAST_RATE, LONGEST_BODY) - (monotonic() - began);
        const { value } = (await silence.within(0, async () => reader?.read(), left)) ?? {};
        if (value !== undefined) {
          asking.heard();
          length += value.byteLength;
        }
        return value;
      };
      const answer = await read(response, pieces);
      // What is left of the body is let go, so that the connection is.
      void reader?.cancel().catch(() => {});
      return answer;
    } catch (error) {
      abort();
      throw error;
    } finally {
      asking.signal.removeEventListener("abort", abort);
    }
  }

  async #header(): Promise<string | undefined> {
    const authorization = typeof this.#authorization === "function" ? await this.#authorization() : this.#authorization;
    if (authorization !== undefined) checkHeader(authorization);
    return authorization;
  }
}

/** Breaks off what stays silent for too long. */
class Silence {
  readonly #aborter: AbortController;
  readonly #timeout: number;

  constructor(aborter: AbortController, timeout: number) {
    this.#aborter = aborter;
    this.#timeout = timeout;
  }

  /** Waits for an answer for the time allowed and `patience` milliseconds more, but no longer than `left`, which is left for all of it. */
  async within<T>(patience: number, ask: () => Promise<T>, left = Number.POSITIVE_INFINITY): Promise<T> {
    const milliseconds = Math.max(0, Math.min(this.#timeout + patience, left));
    let timer: ReturnType<typeof setTimeout> | undefined;
    let broken: (() => void) | undefined;
    const { signal } = this.#aborter;
    // Beside the request's own signal, because a `fetch` given as an option may not heed it.
    const end = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = left < this.#timeout + patience ? "the origin's answer comes too slowly" : `nothing came from the origin for ${milliseconds} ms`;
        reject(new LatchError("origin_timeout", message));
        this.#aborter.abort();
      }, milliseconds);
      unref(timer);
      broken = () => reject(new LatchError("origin_failed", "the request to the origin was aborted"));
      signal.addEventListener("abort", broken);
      if (signal.aborted) broken();
    });
    try {
      return await Promise.race([(async () => ask())(), end]);
    } catch (error) {
      if (error instanceof LatchError) throw error;
      throw new LatchError("origin_failed", "the origin can't be reached", { cause: error });
    } finally {
      clearTimeout(timer);
      if (broken !== undefined) signal.removeEventListener("abort", broken);
    }
  }
}

function refused(status: number): LatchError {
  return new LatchError("origin_failed", `the origin answered with status ${status}`);
}
