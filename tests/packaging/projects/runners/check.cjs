// What a user's own tests do with the package.
exports.check = async (expect, { Latch, LatchError, Snapshot, SnapshotFollower, TokenTable, TokenlatchError, createToken }, { memoryStore, tokenlatch }) => {
  const latch = new Latch({ store: memoryStore() });
  await latch.putAccount({ user: "alice", features: "all" });
  const { token } = await latch.create({ user: "alice", name: "backup", access: "full" });
  expect((await latch.verify(`Bearer ${token}`)).reason).toBe("ok");
  await expect(latch.create({ user: "bob", name: "backup", access: "full" })).rejects.toBeInstanceOf(LatchError);
  expect(() => createToken({ user: "alice", name: "", access: "full" })).toThrow(TokenlatchError);

  const { token: other, record } = createToken({ user: "alice", name: "other", access: "full" });
  const table = new TokenTable({ records: [record], accounts: [{ user: "alice", features: "all" }] });
  expect(table.verify(`Bearer ${other}`).reason).toBe("ok");
  expect(table.verifyMany([`Bearer ${other}`, null]).map(({ allowed }) => allowed)).toEqual([true, false]);

  const publicKeys = ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"];
  const snapshot = new Snapshot({ publicKeys });
  expect(snapshot.state).toBe(null);
  expect(() => snapshot.apply(new Uint8Array(192))).toThrow(TokenlatchError);
  const follower = new SnapshotFollower({ url: "https://origin.invalid:2087", publicKeys, fetch: () => Promise.reject(new Error("down")) });
  expect((await follower.poll()).error.code).toBe("origin_failed");

  const request = { method: "GET", url: "/", headers: {}, headersDistinct: {}, rawHeaders: ["Authorization", `Bearer ${token}`], socket: {} };
  const response = { setHeader() {}, end() {} };
  const passed = await new Promise((resolve) => tokenlatch(latch, { call: () => ({ feature: "backup", writes: false }) })(request, response, (error) => resolve(error ?? "passed")));
  expect(passed).toBe("passed");
};
