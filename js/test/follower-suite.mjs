// Tests of a follower with an origin that works and that fails: the same in every runtime.
import assert from "node:assert/strict";

import { SnapshotFollower, SnapshotRelay } from "tokenlatch";

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const seconds = () => Math.floor(Date.now() / 1000);

/** Waits until a condition holds, and returns the milliseconds that it took. */
async function until(what, holds, milliseconds = 5_000) {
  const began = Date.now();
  while (!(await holds())) {
    if (Date.now() - began > milliseconds) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await pause(5);
  }
  return Date.now() - began;
}

function memory() {
  const kept = new Map();
  return { kept, get: async (key) => kept.get(key) ?? null, put: async (key, bytes) => void kept.set(key, bytes.slice()) };
}

/** The cases by name. Each resets the origin and stops what it has started. */
export function casesOf(url) {
  const tell = async (call, rest = {}) => {
    const response = await fetch(`${url}/control`, { method: "POST", body: JSON.stringify({ call, ...rest }) });
    return response.json();
  };

  /** A case with a reset origin, whose followers are stopped at the end. */
  const over = (options, run) => async () => {
    await tell("reset", options);
    const { publicKey } = await tell("state");
    const started = [];
    const errors = [];
    const follower = (more = {}) => {
      const made = new SnapshotFollower({
        url,
        publicKeys: [publicKey],
        authorization: "whm edge:THE-TOKEN-OF-THE-EDGE",
        usage: false,
        timeout: 2_000,
        onError: (error) => void errors.push(error),
        ...more,
      });
      started.push(made);
      return made;
    };
    try {
      await run({ follower, errors, publicKey });
    } finally {
      await Promise.all(started.map((one) => one.stop()));
    }
    assert.ok(!errors.some((error) => String([error.message, error.stack, error.cause]).includes("THE-TOKEN")));
  };
  const reason = (follower, { token }, ...rest) => follower.verify(`Bearer ${token}`, ...rest).reason;
  const wholes = async () => (await tell("state")).asked.filter((one) => one === "GET/snapshot").length;

  return {
    "refuses everything before the first snapshot, and then decides by it": over({}, async ({ follower }) => {
      const token = await tell("issue");
      const edge = follower();
      assert.equal(reason(edge, token), "snapshot_missing");
      assert.equal(edge.ready, false);
      const refused = edge.verify(null);
      assert.deepEqual([refused.status, refused.refusal.status], [503, 503]);
      const state = await edge.poll();
      assert.deepEqual([state.error, state.failures, state.table.tokens], [null, 0, 1]);
      const verdict = edge.verify(`cpanel alice:${token.token}`);
      assert.deepEqual([verdict.reason, verdict.user, verdict.id, verdict.name], ["ok", "alice", token.id, "t0"]);
      assert.equal(edge.verify("Bearer x").status, 401);
      assert.equal(edge.verify(["Bearer x", `Bearer ${token.token}`]).status, 401);
      assert.equal(edge.ready, true);
      assert.deepEqual((await tell("state")).authorizations, ["whm edge:THE-TOKEN-OF-THE-EDGE"]);
    }),

    "verifies calls, features and addresses": over({}, async ({ follower }) => {
      const limited = await tell("issue", { user: "bob", access: { features: ["mail"] }, readOnly: true, addresses: ["192.0.2.0/24"] });
      const edge = follower();
      await edge.poll();
      const call = { feature: "mail", writes: false };
      assert.equal(reason(edge, limited, call), "address_unknown");
      assert.equal(reason(edge, limited, call, "198.51.100.1"), "address_refused");
      assert.equal(reason(edge, limited, call, "192.0.2.7"), "ok");
      assert.equal(reason(edge, limited, { ...call, address: "192.0.2.7" }), "ok");
      assert.equal(reason(edge, limited, { feature: "mail", writes: true }, "192.0.2.7"), "read_only");
      assert.equal(reason(edge, limited, { feature: "backup", writes: false }, "192.0.2.7"), "feature_not_granted");
      assert.throws(() => edge.verify("Bearer x", { fiature: "mail" }), { code: "field_unknown" });
      assert.throws(() => edge.verify("Bearer x", 7), { code: "type_invalid" });
    }),

    "calls from requests never exhaust the numbers": over({}, async ({ follower }) => {
      const token = await tell("issue", { user: "bob", access: { features: ["mail"] } });
      const edge = follower();
      await edge.poll();
      const judged = (feature) => reason(edge, token, { feature, writes: false });
      for (let at = 0; at < 10_500; at += 1) {
        if (judged(`f${at}`) !== "feature_not_granted") assert.fail(`${at}: ${judged(`f${at}`)}`);
        if (at % 100 !== 0) continue;
        assert.equal(judged("mail"), "ok");
        // The origin may run in this process and must be able to accept connections.
        await pause(0);
      }
      assert.throws(() => edge.verify("Bearer x", { fiature: "mail" }), { code: "field_unknown" });
    }),

    "judges by routes, whatever paths are made up": over({}, async ({ follower }) => {
      const token = await tell("issue", { user: "bob", access: { features: ["mail"] } });
      const routes = [
        { method: "GET", path: "/v1/mail/{id}", feature: "mail", writes: false },
        { method: "GET", path: "/status", feature: null, writes: false, public: true },
      ];
      const edge = follower({ catalogue: { routes, default: "deny" }, usage: { interval: 60_000 } });
      const judged = (path, method = "GET") => reason(edge, token, { method, path });
      assert.deepEqual([judged("/status"), judged("/v1/mail/7")], ["public", "snapshot_missing"]);
      await edge.poll();
      for (let at = 0; at < 10_500; at += 1) {
        if (judged(`/v1/${at}`) !== "route_unlisted") assert.fail(`${at}: ${judged(`/v1/${at}`)}`);
        if (at % 100 === 0) await pause(0);
      }
      const long = "a=".padEnd(1_200, "x");
      assert.deepEqual([judged(`/status?${long}`), judged(`/status?${long}&_method=PUT`)], ["public", "target_doubtful"]);
      assert.deepEqual([judged("/v1/mail/7?x"), judged("/v1/mail/7", "HEAD"), judged("/v1/mail//7"), judged("/v1/Mail/7")], ["ok", "ok", "target_doubtful", "function_without_feature"]);
      await edge.stop();
      // Public requests count no use.
      assert.equal((await tell("state")).uses[token.id].uses, 2);
    }),

    "decides about many requests in one call": over({}, async ({ follower }) => {
      const [one, other] = [await tell("issue"), await tell("issue", { user: "bob", addresses: ["192.0.2.0/24"] })];
      const edge = follower({ usage: { interval: 60_000 } });
      const headers = [`Bearer ${one.token}`, null, `Bearer ${other.token}`, `Bearer ${other.token}`, "Bearer x"];
      assert.deepEqual(edge.verifyMany(headers).map(({ status }) => status), [503, 503, 503, 503, 503]);
      await edge.poll();
      const addresses = [undefined, null, "192.0.2.7", "198.51.100.1", undefined];
      const verdicts = edge.verifyMany(headers, { addresses });
      assert.deepEqual(verdicts.map((verdict) => verdict.reason), ["ok", "header_missing", "ok", "address_refused", "header_malformed"]);
      assert.deepEqual(verdicts.map((verdict) => verdict.user), ["alice", null, "bob", "bob", null]);
      assert.deepEqual(verdicts, headers.map((header, index) => edge.verify(header, undefined, addresses[index])));
      edge.verifyMany(headers, { addresses, counts: false });
      assert.throws(() => edge.verifyMany("Bearer x"), { code: "type_invalid" });
      await edge.stop();
      const { uses } = await tell("state");
      assert.deepEqual([uses[one.id].uses, uses[other.id].uses], [2, 2]);
    }),

    "a poll applies every delta and a heartbeat": over({}, async ({ follower }) => {
      const edge = follower();
      await edge.poll();
      const first = await tell("issue");
      const second = await tell("issue", { user: "bob" });
      await tell("revoke", first);
      const { table } = await edge.poll();
      assert.equal(table.version, 8);
      assert.deepEqual([reason(edge, first), reason(edge, second)], ["token_revoked", "ok"]);
      assert.equal(await wholes(), 1);
    }),

    "by long polls a creation and a revocation are in force within a second": over({}, async ({ follower }) => {
      const edge = follower();
      edge.start();
      edge.start();
      await until("the first snapshot", () => edge.ready);
      const lags = [];
      for (let round = 0; round < 5; round += 1) {
        const token = await tell("issue");
        lags.push(await until("created", () => reason(edge, token) === "ok", 1_000));
        await tell("revoke", token);
        lags.push(await until("revoked", () => reason(edge, token) === "token_revoked", 1_000));
      }
      assert.equal(await wholes(), 1);
      assert.equal(edge.state.running, true);
    }),

    "without long polls it takes the interval at most": over({}, async ({ follower }) => {
      const edge = follower({ interval: 200 });
      edge.start();
      await until("the first snapshot", () => edge.ready);
      const token = await tell("issue");
      await until("created", () => reason(edge, token) === "ok", 700);
      await tell("revoke", token);
      await until("revoked", () => reason(edge, token) === "token_revoked", 700);
    }),

    "a gap is followed by a whole snapshot at once": over({}, async ({ follower, errors }) => {
      const edge = follower();
      await edge.poll();
      const token = await tell("issue");
      await tell("forget");
      const { table, error } = await edge.poll();
      assert.deepEqual([table.version, error, errors.length], [6, null, 0]);
      assert.equal(reason(edge, token), "ok");
      assert.equal(await wholes(), 2);
    }),

    "another epoch begins with a whole snapshot": over({}, async ({ follower }) => {
      const [kept, gone] = [await tell("issue"), await tell("issue")];
      const edge = follower();
      await edge.poll();
      const { epoch } = edge.state.table;
      await tell("restore", { without: [gone.id] });
      await edge.poll();
      assert.equal(edge.state.table.epoch, epoch + 1);
      assert.deepEqual([reason(edge, kept), reason(edge, gone)], ["ok", "token_unknown"]);
    }),

    "without the origin it refuses everything after the allowed age, and deltas restore it": over({ maxAge: 30 }, async ({ follower, errors }) => {
      let ahead = 0;
      const token = await tell("issue");
      const edge = follower({ now: () => seconds() + ahead, interval: 100 });
      edge.start();
      await until("the first snapshot", () => edge.ready);
      await tell("set", { isCut: true });
      await until("a failure", () => edge.state.failures > 1);
      assert.equal(edge.state.error.code, "origin_failed");
      assert.ok(errors.length > 1);
      ahead = 25;
      assert.equal(reason(edge, token), "ok");
      ahead = 40;
      const stale = edge.verify(`Bearer ${token.token}`);
      assert.deepEqual([stale.allowed, stale.status, stale.reason, stale.user], [false, 503, "snapshot_stale", null]);
      assert.equal(edge.verify(null).reason, "snapshot_stale");
      const revoked = await tell("issue");
      await tell("revoke", revoked);
      await tell("set", { isCut: false });
      ahead = 0;
      await until("it is back", () => edge.state.failures === 0 && edge.state.table.version === 8);
      assert.deepEqual([reason(edge, token), reason(edge, revoked)], ["ok", "token_revoked"]);
      assert.equal(await wholes(), 1);
    }),

    "a table becomes stale by the clock alone": over({ maxAge: 1 }, async ({ follower }) => {
      const token = await tell("issue");
      const edge = follower();
      await edge.poll();
      assert.equal(reason(edge, token), "ok");
      await until("it is stale", () => reason(edge, token) === "snapshot_stale");
      await edge.poll();
      assert.equal(reason(edge, token), "ok");
    }),

    "heartbeats arrive before the allowed age when nothing changes": over({ maxAge: 4 }, async ({ follower, errors }) => {
      const edges = [follower(), follower({ maxAge: 3 })];
      for (const edge of edges) edge.start();
      for (const edge of edges) await until("the first snapshot", () => edge.ready);
      for (const end = Date.now() + 6_000; Date.now() < end; await pause(20)) for (const edge of edges) assert.equal(edge.ready, true);
      assert.deepEqual(errors, []);
    }),

    "an edge may allow a shorter age than the origin": over({ maxAge: 3_600 }, async ({ follower }) => {
      let ahead = 0;
      const token = await tell("issue");
      const edge = follower({ maxAge: 20, now: () => seconds() + ahead });
      await edge.poll();
      assert.equal(reason(edge, token), "ok");
      ahead = 30;
      const { status, reason: why, refusal } = edge.verify(`Bearer ${token.token}`);
      assert.deepEqual([status, why, refusal.status], [503, "snapshot_stale", 503]);
      assert.equal(edge.ready, false);
    }),

    "a clock that goes back refuses": over({}, async ({ follower }) => {
      let ahead = 0;
      const token = await tell("issue");
      const edge = follower({ now: () => seconds() + ahead });
      await edge.poll();
      ahead = -1_000;
      assert.equal(reason(edge, token), "clock_backwards");
      assert.equal((await edge.poll()).error.code, "clock_backwards");
    }),

    "a message that was tampered with changes nothing": over({}, async ({ follower }) => {
      const edge = follower();
      for (const tampering of ["key", "flip", "head", "cut"]) {
        await tell("set", { tamper: [tampering] });
        const { table, error } = await edge.poll();
        assert.equal(table, null, tampering);
        assert.match(error.code, /^snapshot_(signature|malformed)$/, tampering);
        assert.equal(edge.verify(null).reason, "snapshot_missing");
      }
      await edge.poll();
      assert.equal(edge.state.error, null);
      for (const tampering of ["key", "flip", "head", "cut"]) {
        const { version } = edge.state.table;
        const token = await tell("issue");
        await tell("set", { tamper: [tampering] });
        const { table, error } = await edge.poll();
        assert.deepEqual([table.version, reason(edge, token)], [version, "token_unknown"], tampering);
        assert.match(error.code, /^snapshot_(signature|malformed)$/);
        assert.equal((await edge.poll()).error, null);
        assert.equal(reason(edge, token), "ok");
      }
    }),

    "uses are reported once, however often the report is sent": over({}, async ({ follower }) => {
      const [one, other] = [await tell("issue"), await tell("issue")];
      const edges = [follower({ usage: { interval: 100 } }), follower({ usage: { interval: 100 } })];
      await tell("set", { lostAnswers: 2 });
      for (const edge of edges) {
        edge.start();
        await until("the first snapshot", () => edge.ready);
      }
      const began = seconds();
      for (let round = 0; round < 50; round += 1) {
        for (const edge of edges) for (const token of [one, other, one]) assert.equal(reason(edge, token), "ok");
        reason(edges[0], { token: "x" });
        await pause(10);
      }
      await until("all is reported", () => edges.every((edge) => edge.state.usage.waiting === 0));
      const { uses } = await tell("state");
      assert.deepEqual([uses[one.id].uses, uses[other.id].uses], [200, 100]);
      assert.ok(uses[one.id].lastUsed >= began && uses[one.id].lastUsed <= seconds());
      assert.ok((await tell("state")).reports.every(([, number]) => number > 0 && number < 20));
    }),

    "uses are kept while the origin is unreachable, and reported at the end": over({}, async ({ follower }) => {
      const token = await tell("issue");
      const edge = follower({ usage: { interval: 100 }, interval: 100 });
      edge.start();
      await until("the first snapshot", () => edge.ready);
      await tell("set", { refuseReports: 3 });
      reason(edge, token);
      await until("refused reports", async () => (await tell("state")).asked.filter((one) => one.includes("usage")).length >= 2);
      reason(edge, token);
      await tell("set", { refuseReports: 0 });
      await edge.stop();
      assert.equal((await tell("state")).uses[token.id].uses, 2);
      assert.deepEqual(edge.state.usage, { waiting: 0, lost: 0 });
    }),

    "a report that the origin refuses permanently is dropped and counted as lost": over({}, async ({ follower }) => {
      const token = await tell("issue");
      const edge = follower({ usage: { interval: 60_000 } });
      await edge.poll();
      await tell("set", { refuseReports: 1, refuseWith: 400 });
      reason(edge, token);
      await edge.stop();
      assert.deepEqual(edge.state.usage, { waiting: 0, lost: 1 });
    }),

    "without names uses are reported by the hash": over({ names: false }, async ({ follower }) => {
      const [one, other] = [await tell("issue"), await tell("issue")];
      const edge = follower({ usage: { interval: 60_000 }, peppers: [{ id: "p1", key: "00".repeat(32) }] });
      await edge.poll();
      const verdict = edge.verify(`Bearer ${one.token}`);
      assert.deepEqual([verdict.user, verdict.id, verdict.name], ["alice", null, null]);
      for (const { token } of [other, one, other, other]) edge.verify(`Bearer ${token}`);
      edge.verify("Bearer x");
      edge.verifyMany([`Bearer ${one.token}`, null, `Bearer ${other.token}`]);
      await edge.poll();
      await edge.stop();
      const { uses } = await tell("state");
      assert.deepEqual([uses[one.id].uses, uses[other.id].uses], [3, 4]);
    }),

    "a restart begins with the saved table, and requests deltas only": over({}, async ({ follower }) => {
      const store = memory();
      const first = await tell("issue");
      await follower({ store }).poll();
      const second = await tell("issue");
      const before = follower({ store });
      await before.poll();
      const edge = follower({ store });
      await tell("set", { isCut: true });
      await edge.poll();
      assert.deepEqual([reason(edge, first), reason(edge, second)], ["ok", "ok"]);
      await tell("set", { isCut: false });
      await tell("revoke", first);
      await edge.poll();
      assert.deepEqual([reason(edge, first), reason(edge, second)], ["token_revoked", "ok"]);
      assert.equal(await wholes(), 1);
    }),

    "a restart can't be used to roll it back": over({}, async ({ follower }) => {
      const store = memory();
      const token = await tell("issue");
      await follower({ store }).poll();
      const old = new Map(store.kept);
      await tell("revoke", token);
      await follower({ store }).poll();
      // The earlier messages with the current floor.
      store.kept.set("snapshot", old.get("snapshot")).set("deltas", new Uint8Array(0));
      const edge = follower({ store });
      await tell("set", { isCut: true });
      await edge.poll();
      assert.equal(reason(edge, token), "snapshot_missing");
      await tell("set", { isCut: false, version: 6 });
      assert.equal((await edge.poll()).error.code, "snapshot_rollback");
      await tell("set", { version: 7 });
      await edge.poll();
      assert.equal(reason(edge, token), "token_revoked");
    }),

    "an unreadable saved table is fetched again": over({}, async ({ follower }) => {
      const token = await tell("issue");
      for (const spoilt of [new Uint8Array(0), new Uint8Array(500), new Uint8Array([9, 0, 0, 0, 1])]) {
        const store = memory();
        await follower({ store }).poll();
        for (const key of ["snapshot", "deltas"]) {
          store.kept.set(key, spoilt);
          const edge = follower({ store });
          const { table, error } = await edge.poll();
          assert.deepEqual([table.tokens, error, reason(edge, token)], [1, null, "ok"]);
        }
      }
    }),

    "the saved messages stay small: after many deltas a whole snapshot is fetched again": over({}, async ({ follower }) => {
      const store = memory();
      const edge = follower({ store });
      await edge.poll();
      let last;
      for (let round = 0; (await wholes()) < 2; round += 1) {
        assert.ok(round < 10);
        await tell("issueMany", { count: 700 });
        last = await tell("issue");
        await edge.poll();
        await edge.poll();
      }
      assert.ok(store.kept.get("deltas").length < 262_144);
      assert.equal(reason(edge, last), "ok");
      const restarted = follower({ store });
      await tell("set", { isCut: true });
      await restarted.poll();
      assert.equal(reason(restarted, last), "ok");
    }),

    "two followers that share a store never lower its floor": over({}, async ({ follower }) => {
      const store = memory();
      const version = () => JSON.parse(new TextDecoder().decode(store.kept.get("floor"))).version;
      const [ahead, behind] = [follower({ store }), follower({ store })];
      await behind.poll();
      await ahead.poll();
      const old = await (await fetch(`${url}/snapshot`)).arrayBuffer();
      const token = await tell("issue");
      await tell("revoke", token);
      await ahead.poll();
      assert.equal(version(), 7);
      // The other follower gets a signed table, newer than its own and older than the one in the store.
      const late = follower({ store: { ...store, get: async (key) => (late.state.table === null ? null : store.get(key)) }, fetch: async () => new Response(old) });
      assert.equal((await late.poll()).table.version, 5);
      assert.equal(version(), 7);
      await behind.poll();
      assert.equal(version(), 7);
      await tell("issue");
      await Promise.all([ahead.poll(), behind.poll()]);
      assert.equal(version(), 8);
      const restarted = follower({ store, fetch: async () => new Response(old) });
      assert.equal((await restarted.poll()).error.code, "snapshot_rollback");
      assert.equal(restarted.state.table?.version ?? 8, 8);
    }),

    "a store with `update` is used atomically": over({}, async ({ follower }) => {
      const inner = memory();
      const before = JSON.stringify({ epoch: 1e6, version: 9, made: seconds() + 200 });
      // Another process raises the floor between the read and the write.
      const store = {
        ...inner,
        put: async (key, bytes) => {
          assert.notEqual(key, "floor");
          await inner.put(key, bytes);
        },
        update: async (key, change) => {
          await inner.put(key, new TextEncoder().encode(before));
          const changed = change((await inner.get(key)).buffer);
          if (changed !== null) await inner.put(key, changed);
        },
      };
      await follower({ store }).poll();
      assert.equal(new TextDecoder().decode(await inner.get("floor")), before);
      assert.throws(() => follower({ store: { ...inner, update: 7 } }), { code: "option_invalid", field: "store.update" });
    }),

    "a floor from the future has its own code, and can be reset": over({}, async ({ follower, errors }) => {
      const token = await tell("issue");
      const year = 31_536_000;
      let ahead = year;
      const store = memory();
      const options = { store, now: () => seconds() + ahead };
      // The clocks of both sides were wrong and are corrected.
      await tell("set", { madeAtLeast: seconds() + year });
      const edge = follower(options);
      assert.equal((await edge.poll()).error, null);
      assert.equal(reason(edge, token), "ok");
      await tell("set", { madeAtLeast: 0 });
      ahead = 0;
      assert.equal(reason(edge, token), "clock_backwards");
      assert.equal((await edge.poll()).error.code, "floor_in_future");
      const restarted = follower(options);
      for (let attempt = 0; attempt < 2; attempt += 1) assert.equal((await restarted.poll()).error.code, "floor_in_future");
      assert.match(errors.at(-1).message, /clock/);
      assert.equal(reason(restarted, token), "snapshot_missing");
      for (const one of [edge, restarted]) {
        await one.reset();
        assert.deepEqual([one.state.table, reason(one, token)], [null, "snapshot_missing"]);
        assert.equal((await one.poll()).error, null);
        assert.equal(reason(one, token), "ok");
      }
      const again = follower(options);
      await tell("set", { isCut: true });
      await again.poll();
      assert.equal(reason(again, token), "ok", "the table saved since is used");
      edge.start();
      await edge.reset();
      assert.equal(edge.state.table, null);
    }),

    "an origin that sends a byte now and then is aborted, and reported": over({}, async ({ follower, errors }) => {
      const whole = new Uint8Array(await (await fetch(`${url}/snapshot`)).arrayBuffer());
      let sent = 0;
      const trickle = async () => {
        let at = 0;
        const pull = async (controller) => {
          await pause(20);
          sent += 1;
          controller.enqueue(whole.slice(at, ++at));
        };
        return new Response(new ReadableStream({ pull }));
      };
      const edge = follower({ timeout: 200, fetch: trickle });
      const began = Date.now();
      assert.equal((await edge.poll()).error.code, "origin_timeout");
      assert.ok(Date.now() - began < 5_000 && sent > 1);
      assert.match(errors[0].message, /slowly/);
      edge.start();
      await until("it is told of again", () => errors.length > 2);
      await edge.stop();
    }),

    "a wall clock that is set back delays nothing": over({}, async ({ follower }) => {
      const now = Date.now;
      let behind = 0;
      const edge = follower({ interval: 200, usage: { interval: 200 }, now: () => Math.floor(now() / 1000) });
      try {
        Date.now = () => now() - behind;
        edge.start();
        await until("the first snapshot", () => edge.ready);
        behind = 3_600_000;
        for (let round = 0; round < 3; round += 1) {
          const token = await tell("issue");
          const began = now();
          while (reason(edge, token) !== "ok") {
            assert.ok(now() - began < 5_000, "it asks on");
            await pause(20);
          }
          while ((await tell("state")).uses[token.id] === undefined) {
            assert.ok(now() - began < 5_000, "it reports on");
            await pause(20);
          }
        }
      } finally {
        Date.now = now;
      }
    }),

    "a store that can't be read is a failure, one that can't be written is reported": over({}, async ({ follower, errors }) => {
      const token = await tell("issue");
      const down = () => Promise.reject(new Error("down"));
      const store = { ...memory(), get: down };
      const edge = follower({ store });
      assert.equal((await edge.poll()).error.code, "store_failed");
      assert.equal(reason(edge, token), "snapshot_missing");
      store.get = async () => null;
      store.put = down;
      errors.length = 0;
      assert.equal((await edge.poll()).error, null);
      assert.deepEqual(errors.map(({ code }) => code), ["store_failed"]);
      assert.equal(reason(edge, token), "ok");
    }),

    "a relay serves the messages of one follower, also to waiting requests": over({}, async ({ follower }) => {
      const relay = new SnapshotRelay();
      const near = follower({ onMessage: (message) => relay.take(message) });
      const through = async (address, init) => (await relay.respond(new Request(address, init))) ?? new Response(null, { status: 404 });
      const far = follower({ fetch: through, authorization: undefined });
      assert.equal((await far.poll()).error.code, "origin_failed");
      await near.poll();
      const token = await tell("issue");
      await near.poll();
      await far.poll();
      assert.equal(reason(far, token), "ok");
      near.start();
      far.start();
      await tell("revoke", token);
      await until("revoked", () => reason(far, token) === "token_revoked", 1_000);
      await far.stop();
      await tell("issue");
      await tell("forget");
      await near.poll();
      await until("near", () => near.state.table.version === 8);
      assert.equal((await far.poll()).table.version, 8);
      assert.equal((await far.poll()).error, null);
      assert.equal(await relay.respond(new Request("http://h/snapshot/usage", { method: "POST" })), null);
      assert.equal((await relay.respond(new Request("http://h/snapshot/deltas?since=x"))).status, 400);
    }),

    "callbacks that throw or reject have no effect": over({}, async ({ follower }) => {
      const token = await tell("issue");
      const bad = () => { throw new Error("mine"); };
      const edge = follower({ onChange: bad, onMessage: () => Promise.reject(new Error("mine")), onError: bad });
      await edge.poll();
      assert.equal(reason(edge, token), "ok");
      await tell("set", { isCut: true });
      assert.equal((await edge.poll()).error.code, "origin_failed");
    }),

    "a silent origin is aborted after the timeout": over({}, async ({ follower }) => {
      const silent = () => new Promise(() => {});
      const edge = follower({ timeout: 50, fetch: silent });
      assert.equal((await edge.poll()).error.code, "origin_timeout");
      const stuck = follower({ timeout: 50, fetch: async () => new Response(new ReadableStream({ pull: silent })) });
      assert.equal((await stuck.poll()).error.code, "origin_timeout");
      const unauthorized = follower({ timeout: 50, authorization: silent });
      assert.equal((await unauthorized.poll()).error.code, "origin_timeout");
      const torn = follower({ authorization: () => "two\nlines THE-TOKEN" });
      assert.equal((await torn.poll()).error.code, "option_invalid");
    }),

    "an answer other than a snapshot is a failure that names the status": over({}, async ({ follower }) => {
      for (const status of [302, 401, 403, 404, 500, 503]) {
        const edge = follower({ fetch: async () => new Response(null, { status, headers: { Location: "/elsewhere" } }) });
        const { error } = await edge.poll();
        assert.deepEqual([error.code, error.message], ["origin_failed", `the origin answered with status ${status}`]);
      }
      const page = follower({ fetch: async () => new Response("<html>") });
      assert.equal((await page.poll()).error.code, "snapshot_malformed");
      const never = follower({ fetch: async () => new Response(null, { status: 409 }) });
      assert.equal((await never.poll()).error.code, "origin_failed");
    }),

    "simultaneous polls make one request": over({}, async ({ follower }) => {
      const edge = follower();
      await Promise.all([edge.poll(), edge.poll(), edge.poll()]);
      assert.equal(await wholes(), 1);
      assert.ok(edge.ready);
    }),

    "stop ends a long poll, and it can be started again": over({}, async ({ follower, errors }) => {
      const edge = follower();
      edge.start();
      await until("the first snapshot", () => edge.ready);
      await pause(50);
      const began = Date.now();
      await edge.stop();
      await edge.stop();
      assert.ok(Date.now() - began < 1_000);
      assert.deepEqual([edge.state.running, errors], [false, []]);
      const token = await tell("issue");
      await pause(100);
      assert.equal(reason(edge, token), "token_unknown");
      edge.start();
      await until("it follows again", () => reason(edge, token) === "ok");
    }),
  };
}

/** Runs all cases, and returns which failed and why. */
export async function failures(url) {
  const failed = [];
  const cases = Object.entries(casesOf(url));
  for (const [behaviour, run] of cases) {
    try {
      await run();
    } catch (error) {
      failed.push(`${behaviour}: ${error?.stack ?? error}`);
    }
  }
  return { ran: cases.length, failed };
}
