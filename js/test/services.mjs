// Databases for the tests: started on loopback in a temporary folder, stopped and removed after the tests.
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const said = new Set();

/** Reports a missing tool as skipped; with TOKENLATCH_REQUIRE_ALL=1 it is a failure. */
export function missing(test, what) {
  if (process.env.TOKENLATCH_REQUIRE_ALL === "1") throw new Error(`${what} is missing`);
  if (!said.has(what)) console.error(`SKIPPED: ${what} is missing`);
  said.add(what);
  test.skip(`${what} is missing`);
}

export function temporaryFolder() {
  return mkdtempSync(join(tmpdir(), "tokenlatch-"));
}

// Systems take the ports of outgoing connections from above this range, so a port stays free until the program listens.
const PORTS = { first: 10_000, count: 22_000 };
let next = Math.floor(Math.random() * PORTS.count);

export async function freePort() {
  for (let tried = 0; tried < PORTS.count; tried += 1) {
    const port = PORTS.first + (next++ % PORTS.count);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await new Promise((resolve) => server.once("listening", () => resolve(true)).once("error", () => resolve(false)));
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error("no port is free");
}

export function onPath(command) {
  return spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).stdout.trim() || undefined;
}

/** Starts a Redis server; undefined if it isn't installed. */
export async function startRedis() {
  const command = onPath("redis-server");
  if (command === undefined) return undefined;
  const [port, folder] = [await freePort(), temporaryFolder()];
  const child = spawn(command, ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], { stdio: "ignore" });
  await listening(port, child);
  return { url: `redis://127.0.0.1:${port}`, stop: () => stop(child, folder) };
}

/** Starts a PostgreSQL server; undefined if it isn't installed. It refuses to run as root, so it runs as `postgres` then. */
export async function startPostgres() {
  const bin = postgresFolder();
  if (bin === undefined) return undefined;
  const [port, folder] = [await freePort(), temporaryFolder()];
  const as = process.getuid?.() === 0 ? identityOf("postgres") : {};
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid);
  const data = join(folder, "data");
  const made = spawnSync(join(bin, "initdb"), ["-D", data, "-U", "tokenlatch", "-A", "trust", "-E", "UTF8", "--no-sync"], { encoding: "utf8", cwd: folder, ...as });
  if (made.status !== 0) throw new Error(`initdb: ${made.error ?? made.stderr}`);
  const options = ["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${folder}`, "-c", "fsync=off"];
  const child = spawn(join(bin, "postgres"), options, { stdio: "ignore", cwd: folder, ...as });
  await listening(port, child);
  return { url: `postgresql://tokenlatch@127.0.0.1:${port}/postgres`, stop: () => stop(child, folder) };
}

function identityOf(user) {
  const id = (flag) => Number(spawnSync("id", [flag, user], { encoding: "utf8" }).stdout);
  return { uid: id("-u"), gid: id("-g") };
}

function postgresFolder() {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((one, other) => Number(other) - Number(one)) : [];
  for (const version of versions) if (existsSync(join(root, version, "bin/initdb"))) return join(root, version, "bin");
  const initdb = onPath("initdb");
  return initdb === undefined ? undefined : join(initdb, "..");
}

async function listening(port, child) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    const open = await new Promise((resolve) => {
      const socket = createConnection({ port, host: "127.0.0.1" });
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await pause(50);
  }
  throw new Error(`${child.spawnfile} doesn't listen`);
}

async function stop(child, folder) {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
