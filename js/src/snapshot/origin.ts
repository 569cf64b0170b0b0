/* @ts-self-types="./origin.d.ts" */

import { monotonic } from "../runtime/clock.js";
import { unref } from "../runtime/timer.js";
import { LatchError } from "../types/latch-error.js";
import { type FollowerOptions, baseOf, checkHeader } from "./follower-options.js";

/** Reads the next bytes of a message; undefined at its end. */
export type ReadChunk = () => Promise<Uint8Array | undefined>;

/** The observer of a request: it is notified of progress and can abort the request. */
export interface RequestObserver {
  /** Called whenever something was received. */
  progress(): void;
  /** Aborts the request. */
  readonly signal: AbortSignal;
}

/**
 * The lowest average rate of a body, in bytes per millisecond, and its longest duration, in milliseconds. Without these limits an
 * origin that sends a byte now and then could hold a follower forever.
 */
const MIN_RATE = 16;
const MAX_BODY_TIME = 120_000;

/** The HTTP client for an origin. No error quotes the header that it sends. */
export class Origin {
  readonly #base: string;
  readonly #authorization: FollowerOptions["authorization"];
  readonly #fetch: NonNullable<FollowerOptions["fetch"]>;
  readonly #timeout: number;

  constructor(options: FollowerOptions) {
    this.#base = baseOf(options);
    this.#authorization = options.authorization;
    // The global is looked up for each request and called as a function: edge runtimes refuse another `this`.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#timeout = options.timeout ?? 5_000;
  }

  /** How long the origin may be silent, in milliseconds. */
  get timeout(): number {
    return this.#timeout;
  }

  /**
   * Requests a message and passes its bytes to `receive`.
   *
   * @returns the result of `receive`, `"same"` when nothing is new (204), or `"gap"` when there is no delta from this version (409)
   * @throws LatchError `origin_failed` or `origin_timeout`; or what `receive` throws.
   */
  async message<T>(path: string, wait: number, observer: RequestObserver, receive: (readChunk: ReadChunk) => Promise<T>): Promise<T | "same" | "gap"> {
    return this.#request(path, { method: "GET" }, wait * 1_000, observer, async (response, readChunk) => {
      if (response.status === 204) return "same";
      if (response.status === 409) return "gap";
      if (response.status !== 200) throw statusError(response.status);
      return receive(readChunk);
    });
  }

  /**
   * Reports usage.
   *
   * @returns true when the origin has accepted it; false when it never will
   * @throws LatchError `origin_failed` or `origin_timeout`: repeat the report.
   */
  async report(body: string, observer: RequestObserver): Promise<boolean> {
    const init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
    return this.#request("snapshot/usage", init, 0, observer, async ({ status }) => {
      if (status === 200 || status === 202 || status === 204) return true;
      // An invalid report stays invalid when it is repeated.
      if (status === 400 || status === 413 || status === 422) return false;
      throw statusError(status);
    });
  }

  async #request<T>(
    path: string,
    init: RequestInit,
    extra: number,
    observer: RequestObserver,
    read: (response: Response, readChunk: ReadChunk) => Promise<T>,
  ): Promise<T> {
    // Not `Headers`: a runtime with a custom `fetch` may have no such class.
    const headers: Record<string, string> = { ...(init.headers as Record<string, string> | undefined) };
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    observer.signal.addEventListener("abort", abort);
    if (observer.signal.aborted) abort();
    const limit = new SilenceLimit(aborter, this.#timeout);
    try {
      const authorization = await limit.within(0, async () => this.#header());
      if (authorization !== undefined) headers["Authorization"] = authorization;
      // Redirects aren't followed: they could send the header to another host.
      const request = { ...init, headers, redirect: "manual", signal: aborter.signal } as const;
      const response = await limit.within(extra, () => this.#fetch(this.#base + path, request));
      observer.progress();
      const reader = response.body?.getReader();
      const began = monotonic();
      let length = 0;
      const readChunk = async () => {
        const left = Math.min(this.#timeout + length / MIN_RATE, MAX_BODY_TIME) - (monotonic() - began);
        const { value } = (await limit.within(0, async () => reader?.read(), left)) ?? {};
        if (value !== undefined) {
          observer.progress();
          length += value.byteLength;
        }
        return value;
      };
      const answer = await read(response, readChunk);
      // The rest of the body is cancelled to release the connection.
      void reader?.cancel().catch(() => {});
      return answer;
    } catch (error) {
      abort();
      throw error;
    } finally {
      observer.signal.removeEventListener("abort", abort);
    }
  }

  async #header(): Promise<string | undefined> {
    const authorization = typeof this.#authorization === "function" ? await this.#authorization() : this.#authorization;
    if (authorization !== undefined) checkHeader(authorization);
    return authorization;
  }
}

/** Aborts a request that is silent for too long. */
class SilenceLimit {
  readonly #aborter: AbortController;
  readonly #timeout: number;

  constructor(aborter: AbortController, timeout: number) {
    this.#aborter = aborter;
    this.#timeout = timeout;
  }

  /** Waits for an answer: the timeout and `extra` milliseconds more, but at most `left`, the rest of the time for the whole body. */
  async within<T>(extra: number, call: () => Promise<T>, left = Number.POSITIVE_INFINITY): Promise<T> {
    const milliseconds = Math.max(0, Math.min(this.#timeout + extra, left));
    let timer: ReturnType<typeof setTimeout> | undefined;
    let onAbort: (() => void) | undefined;
    const { signal } = this.#aborter;
    // In addition to the request's own signal, which a custom `fetch` may ignore.
    const end = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = left < this.#timeout + extra ? "the origin answers too slowly" : `no data from the origin for ${milliseconds} ms`;
        reject(new LatchError("origin_timeout", message));
        this.#aborter.abort();
      }, milliseconds);
      unref(timer);
      onAbort = () => reject(new LatchError("origin_failed", "the request to the origin was aborted"));
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) onAbort();
    });
    try {
      return await Promise.race([(async () => call())(), end]);
    } catch (error) {
      if (error instanceof LatchError) throw error;
      throw new LatchError("origin_failed", "the origin can't be reached", { cause: error });
    } finally {
      clearTimeout(timer);
      if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
    }
  }
}

function statusError(status: number): LatchError {
  return new LatchError("origin_failed", `the origin answered with status ${status}`);
}
