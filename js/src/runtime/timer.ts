/* @ts-self-types="./timer.d.ts" */

/** Lets the process exit while a timer is pending, in runtimes that support it. */
export function unref(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function") timer.unref();
  const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  if (typeof timer === "number") Deno?.unrefTimer?.(timer);
}

/** Waits a number of milliseconds, or until the signal is aborted. The timer keeps no process alive. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    unref(timer);
    signal?.addEventListener("abort", end);
  });
}

/** Waits until a promise is settled, either way, or a number of milliseconds has passed. */
export async function settledWithin(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([promise.catch(() => {}), pause(milliseconds, over.signal)]);
  over.abort();
}
