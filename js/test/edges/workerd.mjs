// The example edge in workerd, with a backend that returns nothing. With an interval it is the worker of `polling-worker.mjs`.
import { createServer } from "node:http";
import { existsSync, rmSync } from "node:fs";

import { temporaryFolder } from "../services.mjs";
import { ORIGIN, ORIGIN_TOKEN, PUBLIC_KEYS, interval, lacks, started } from "./settings.mjs";

// Here a Durable Object's writes block the only serving thread, unlike in production. Its storage is in memory, if there is such a folder,
// so that the disk of this machine isn't measured.
if (existsSync("/dev/shm")) process.env.TMPDIR = "/dev/shm";

const { startWorker } = await import("../worker.mjs").catch((error) => lacks("workerd", error));

// It closes no connection that workerd may reuse.
const backend = createServer({ keepAliveTimeout: 600_000 }, (_, response) => response.end());
await new Promise((resolve) => backend.listen(0, "127.0.0.1", resolve));
const folder = temporaryFolder();
const shared = {
  host: "127.0.0.1",
  port: 0,
  handleRuntimeStdio: (...streams) => streams.forEach((stream) => stream.pipe(process.stderr, { end: false })),
};
const bindings = { ORIGIN, ORIGIN_TOKEN, PUBLIC_KEYS };
const following = {
  bindings: { ...bindings, BACKEND: `http://127.0.0.1:${backend.address().port}` },
  durableObjects: { FOLLOWER: { className: "Follower", useSQLite: true } },
  durableObjectsPersist: folder,
};
const worker =
  interval === undefined
    ? await startWorker(new URL("../../examples/edge/src/index.ts", import.meta.url), { ...shared, ...following })
    : await startWorker(new URL("polling-worker.mjs", import.meta.url), { ...shared, bindings: { ...bindings, INTERVAL: interval } });

started(await worker.ready, async () => {
  await worker.dispose();
  rmSync(folder, { recursive: true, force: true });
});
