// The check that a careful author would write by hand, but for the hash: header, user, expiry, account, function.

/** Scheme, user and secret of a header; null where it isn't one of ours. */
export function read(header) {
  if (header.length > 512 || header.slice(0, 7).toLowerCase() !== "cpanel ") return null;
  const colon = header.indexOf(":", 7);
  if (colon < 8 || header.length - colon !== 33) return null;
  return { user: header.slice(7, colon), secret: header.slice(colon + 1) };
}

/** Whether a record found by its hash lets this user call this function now. */
export function admits(record, user, now, feature) {
  if (record.revoked !== null || record.user !== user) return false;
  if (record.expires !== null && now >= record.expires) return false;
  const { account } = record;
  if (account.suspended || !(account.all || account.features.has("apitokens"))) return false;
  return record.full || (record.features.has(feature) && (account.all || account.features.has(feature)));
}

/** Records as such an author keeps them, each with its account. */
export function kept(records, accounts) {
  const owners = new Map(
    accounts.map(({ user, suspended, features }) => [user, { suspended: suspended === true, all: features === "all", features: new Set(features === "all" ? [] : features) }]),
  );
  return records.map(({ user, name, hash, expires, revoked, access }) => ({
    user,
    name,
    hex: hash.slice("sha256:".length),
    expires,
    revoked: revoked ?? null,
    full: access === "full",
    features: new Set(access.features ?? []),
    account: owners.get(user),
  }));
}
