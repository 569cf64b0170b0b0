/* @ts-self-types="./latch.d.ts" */

import { type FetchRequest, type NodeRequest, authorizationOf } from "../module/authorization.js";
import { createToken, describeToken, listTokens, parseAuthorization, renameToken, reply, revokeTokens, verifyToken } from "../module/functions.js";
import { sent } from "../module/instance.js";
import { callOf, copied, picked, plain } from "../module/plain-object.js";
import { faultOf, refusedBy, unavailableReply } from "../module/refusal.js";
import { unixNow } from "../runtime/clock.js";
import { Utf8Encoder } from "../runtime/text.js";
import { bounded } from "../runtime/timeout.js";
import { accountOf, boundTo } from "../stores/internal/generation.js";
import type { AccountLookup, AccountStore, StoreContext, StoredAccount, TokenStore } from "../stores/store.js";
import { TokenlatchError } from "../types/error.js";
import type {
  Account,
  AuthorizationHeader,
  Call,
  Description,
  LatchVerdict,
  Policy,
  Refused,
  Reply,
  TokenList,
  TokenRecord,
  UnixSeconds,
} from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import {
  type LatchCreateOptions,
  type LatchListOptions,
  type TokenSelection,
  type TokenSelector,
  type Wish,
  CHECK_TIME,
  KEYS,
  readWish,
  userOf,
} from "./operation.js";
import { type LatchOptions, readOptions } from "./options.js";
import { type Vouched, vouch } from "./principal.js";

/** A user that no header names: so that a request without one still has an account looked up. */
const NOBODY = "-";

/** What `create` gives. */
export interface LatchCreated {
  /** The text to show once. Nothing can show it again. */
  readonly token: string;
  /** What its owner may see of it from now on. */
  readonly description: Description;
}

/** What `revoke` gives. */
export interface LatchRevoked {
  readonly tokens: readonly Description[];
  /** Names or ids that no token of the user has. */
  readonly unknown: readonly string[];
  /** Whether the revocation is in force everywhere already, or only once the store has spread it. */
  readonly immediate: boolean;
}

/**
 * The whole life of tokens over a store: created, verified, listed, renamed, revoked, described. Every decision is the
 * module's; a `Latch` fetches what the module needs and stores what it answers.
 *
 * A store that throws, hangs or answers nonsense makes `verify` refuse, never admit; every other operation throws.
 *
 * @example
 * ```js
 * import { Latch } from "tokenlatch";
 * import { memoryStore } from "tokenlatch/stores/memory";
 *
 * const latch = new Latch({ store: memoryStore() });
 * await latch.putAccount({ user: "alice", features: "all" });
 * const { token } = await latch.create({ user: "alice", name: "backup", access: "full" });
 * const verdict = await latch.verify(`Bearer ${token}`, { module: "Tokens", function: "list" });
 * console.log(verdict.allowed, verdict.user); // true alice
 * ```
 */
export class Latch<Store extends TokenStore = TokenStore> {
  readonly #options: LatchOptions<Store>;
  readonly #timeout: number;
  /** Made at the start, because it must be there when the module breaks. */
  readonly #unavailable: Reply;

  /**
   * @throws LatchError `option_invalid` for a wrong option, and TokenlatchError for one that the module refuses, such as
   * a pepper or a catalogue.
   */
  constructor(options: LatchOptions<Store>) {
    this.#options = readOptions(options);
    this.#timeout = this.#options.timeout ?? 5_000;
    this.#unavailable = unavailableReply();
  }

  /** What the store can promise. */
  get capabilities(): Store["capabilities"] {
    return this.#options.store.capabilities;
  }

  /**
   * Creates a token and stores its record. The text is shown here and never again. Where a request asks, give its verdict or
   * identity as `by`: the new token lies within the one that asks and doesn't outlive it. The caps on how many tokens a user has and
   * creates an hour are compared with what the store lists before: creations at the same moment may each pass, and exceed them together.
   *
   * @example
   * ```js
   * const { token } = await latch.create({ user: "alice", name: "backup", access: { features: ["backup"] }, expires: "2027-01-31" });
   * const { access, readOnly } = verdict;
   * await latch.create({ by: verdict, name: "script", access, readOnly });
   * ```
   *
   * @throws TokenlatchError for a wrong option, a name in use or `access_exceeds_creator`; LatchError for an unknown account or a store that fails.
   */
  async create(options: LatchCreateOptions): Promise<LatchCreated> {
    const { prefix, peppers, zone } = this.#options;
    const { user, by, options: wish } = readWish(options, KEYS.create);
    const stored = await this.#account(user);
    const records = await this.#recordsOf(user);
    const creator = this.#asking(records, by);
    const account = accountOf(creator ?? null, stored);
    if (stored === null || account === null) throw new LatchError("account_unknown", "there is no account of this user", { field: "user" });
    const now = this.#options.now?.() ?? unixNow();
    const given = { policy: this.#policy(creator, now), prefix, pepper: peppers?.[0], zone };
    const taken = liveNames(records);
    const held = { tokens: taken.length, lastHour: records.filter((record) => record.created > now - HOUR).length };
    const { token, record: unbound } = createToken({ ...wish, user, now, account, held, taken, creator, ...given });
    const record = boundTo(stored, unbound);
    // Where accounts live elsewhere the store can't look for them.
    const generation = this.#holdsAccounts ? stored.generation : undefined;
    const insertion = await this.#ask("store a token", (store, context) => store.insert(record, { ...context, generation }));
    if (insertion === "account_gone") throw new LatchError("account_unknown", "the account of this user was removed meanwhile", { field: "user" });
    if (insertion === "name_taken") throw nameTaken("name");
    if (insertion === "hash_taken") throw new TokenlatchError("hash_taken", "another token has this hash or id");
    if (insertion !== "stored") throw answerInvalid();
    return { token, description: this.#described(record) };
  }

  /**
   * Decides about a request. The same look-ups are made for every header, good or bad. A refusal is a verdict, and so is a
   * store that fails (status 503): send its `refusal`, keep its `reason` and `fault` for the log.
   *
   * @param request a standard `Request`, a request of Node's `http`, or an `Authorization` header
   * @param call what the request wants to do; left out, only a full token that may write passes
   *
   * @example
   * ```js
   * const verdict = await latch.verify(request, { feature: "backup", writes: false, address: "192.0.2.7" });
   * if (!verdict.allowed) return new Response(verdict.refusal.body, verdict.refusal);
   * ```
   *
   * @throws TokenlatchError for a wrong call, LatchError for something that is no request.
   */
  async verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: Call): Promise<LatchVerdict> {
    const authorization = authorizationOf(request);
    const asked = call === undefined ? undefined : callOf(call);
    const { peppers, catalogue } = this.#options;
    try {
      const credential = parseAuthorization({ authorization, peppers });
      const record = await this.#ask("find a token", (store, context) => store.find(credential.hashes, context));
      const account = await this.#account(ownerOf(record) ?? credential.user ?? NOBODY);
      const verdict = verifyToken({ ...this.#now(), authorization, record, account: accountOf(record, account), call: asked, peppers, catalogue });
      const given = { ...verdict, fault: null } as LatchVerdict;
      return given.allowed ? vouch(given, given) : given;
    } catch (error) {
      return this.#refused(error);
    }
  }

  /**
   * Lists the tokens of a user, page by page. It reads all of them: some 20,000 at most.
   *
   * @example
   * ```js
   * const { tokens, total } = await latch.list({ user: "alice", sort: "expires" });
   * ```
   */
  async list(options: LatchListOptions): Promise<TokenList> {
    const { user, by, options: wish } = readWish(options, KEYS.list);
    const records = this.#within(await this.#recordsOf(user), by);
    return listTokens({ ...wish, ...this.#now(), records, warnDays: this.#options.warnDays });
  }

  /**
   * Describes a token for its owner.
   *
   * @example
   * ```js
   * const { status, hint } = await latch.describe({ user: "alice", name: "backup" });
   * ```
   *
   * @throws LatchError `token_not_found`.
   */
  async describe(selector: TokenSelector): Promise<Description> {
    const { record } = await this.#selected(readWish(selector, KEYS.describe));
    return this.#described(record);
  }

  /**
   * Renames a live token and changes nothing else.
   *
   * @example
   * ```js
   * await latch.rename({ user: "alice", name: "backup", newName: "nightly" });
   * ```
   *
   * @throws TokenlatchError `name_taken` or `record_revoked`; LatchError `token_not_found`.
   */
  async rename(options: TokenSelector & { readonly newName: string }): Promise<Description> {
    const wish = readWish(options, KEYS.rename);
    const { record, records } = await this.#selected(wish);
    const renamed = renameToken({ record, newName: wish.options.newName, taken: liveNames(records) }).record;
    const renaming = await this.#ask("rename a token", (store, context) => store.rename(renamed, context));
    if (renaming === "name_taken") throw nameTaken("newName");
    if (renaming === "gone") throw new TokenlatchError("record_revoked", "the token was revoked meanwhile");
    if (renaming !== "renamed") throw answerInvalid();
    return this.#described(renamed);
  }

  /**
   * Revokes tokens of a user: those that are found, all the same when others are unknown.
   *
   * @example
   * ```js
   * const { immediate } = await latch.revoke({ user: "alice", names: ["backup"] });
   * ```
   */
  async revoke(selection: TokenSelection): Promise<LatchRevoked> {
    const { user, by, options } = readWish(selection, KEYS.revoke);
    const { names, ids } = options as { names?: readonly string[]; ids?: readonly string[] };
    const records = this.#within(await this.#recordsOf(user), by);
    const { records: revoked, unknown } = revokeTokens({ ...this.#now(), records, names, ids });
    for (const record of revoked) {
      const stored = { ...record, revoked: record.revoked as UnixSeconds };
      await this.#ask("revoke a token", (store, context) => store.revoke(stored, context));
    }
    const tokens = revoked.map((record) => this.#described(record));
    return { tokens, unknown, immediate: this.capabilities.immediateRevocation };
  }

  /**
   * Stores an account, new or changed.
   *
   * @example
   * ```js
   * await latch.putAccount({ user: "alice", features: ["apitokens", "backup"] });
   * ```
   *
   * @throws LatchError `store_unsupported` when accounts are looked up elsewhere; TokenlatchError for a wrong account.
   */
  async putAccount(account: Account): Promise<void> {
    const accounts = this.#accountStore();
    // One that a store gave may be handed back: its generation is the store's own.
    const read = accountOf(null, copied(plain(account, "account") as unknown as Account, "account")) as Account;
    // The module reads it, so that what can't be read is never stored.
    verifyToken({ now: CHECK_TIME, authorization: null, record: null, account: read });
    userOf(read);
    await bounded("store an account", this.#timeout, (signal) => accounts.putAccount(read, { signal }));
  }

  /**
   * Forgets an account and revokes its tokens.
   *
   * @example
   * ```js
   * await latch.removeAccount("alice");
   * ```
   *
   * @throws LatchError `store_unsupported` when accounts are looked up elsewhere.
   */
  async removeAccount(user: string): Promise<void> {
    const accounts = this.#accountStore();
    userOf({ user });
    await this.#revokeAll(user);
    await bounded("remove an account", this.#timeout, (signal) => accounts.removeAccount(user, { signal }));
    // Again: a token may have been created before the account was gone.
    await this.#revokeAll(user);
  }

  /**
   * Removes revoked tokens for good that were revoked long ago: call it once a day, from a cron job. Their requests stay refused,
   * as `token_unknown`. While a revoked token is kept its record can't be stored again as a live one, so keep it for longer than any backup.
   *
   * @param options `keepRevoked`: for how many seconds a token is kept after its revocation, from 3,600. Default: 400 days.
   * @returns how many were removed
   *
   * @example
   * ```js
   * const removed = await latch.prune({ keepRevoked: 90 * 86_400 });
   * ```
   *
   * @throws LatchError `store_unsupported` for a store without `prune`, `store_timeout` after a minute: what was removed by then stays
   * removed, and the next call goes on.
   */
  async prune(options: { readonly keepRevoked?: number | undefined } = {}): Promise<number> {
    const { keepRevoked = KEEP_REVOKED } = picked(options, "options", ["keepRevoked"]);
    if (!Number.isSafeInteger(keepRevoked) || (keepRevoked as number) < LEAST_KEPT) {
      throw new LatchError("option_invalid", `\`keepRevoked\` must be whole seconds from ${LEAST_KEPT}`, { field: "keepRevoked" });
    }
    const { store } = this.#options;
    if (typeof store.prune !== "function") throw new LatchError("store_unsupported", "this store can't remove revoked tokens: it has no `prune`");
    const before = (this.#options.now?.() ?? unixNow()) - (keepRevoked as number);
    const removed = await bounded("remove revoked tokens", PRUNE_TIMEOUT, async (signal) => store.prune?.(before, { signal }));
    if (typeof removed !== "number" || !Number.isSafeInteger(removed)) throw answerInvalid();
    return removed;
  }

  /**
   * The reply to an address that has failed too often, to send as it is.
   *
   * @param retryAfter whole seconds from 1
   *
   * @example
   * ```js
   * latch.tooMany(30).headers["Retry-After"]; // "30"
   * ```
   */
  tooMany(retryAfter: number): Reply {
    return reply({ shape: "denied", httpStatus: 429, retryAfter });
  }

  /**
   * The reply where no verdict can be had, to send as it is.
   *
   * @example
   * ```js
   * latch.unavailable().status; // 503
   * ```
   */
  unavailable(): Reply {
    return { ...this.#unavailable, headers: { ...this.#unavailable.headers } };
  }

  async #revokeAll(user: string): Promise<void> {
    const ids = (await this.#recordsOf(user)).map((record) => record.id);
    if (ids.length > 0) await this.revoke({ user, ids });
  }

  async #ask<T>(what: string, ask: (store: TokenStore, context: StoreContext) => Promise<T>): Promise<T> {
    return bounded(what, this.#timeout, (signal) => ask(this.#options.store, { signal }));
  }

  async #recordsOf(user: string): Promise<readonly TokenRecord[]> {
    const records = await this.#ask("list tokens", (store, context) => store.listOf(user, context));
    // A store that gives another user's record must not hand it over.
    if (!Array.isArray(records) || records.some((record) => ownerOf(record) !== user)) throw answerInvalid();
    return records;
  }

  /** The record of the token that asks, as the store has it now. */
  #asking(records: readonly TokenRecord[], by: Vouched | undefined): TokenRecord | undefined {
    if (by === undefined) return undefined;
    const record = records.find(({ id }) => id === by.id);
    const status = record === undefined ? "revoked" : this.#described(record).status;
    if (status === "active" || status === "expiring") return record;
    throw new LatchError("token_not_found", "the token that asks isn't valid any more", { field: "by" });
  }

  /** Those records that the token that asks could have made itself; for it there are no others. */
  #within(records: readonly TokenRecord[], by: Vouched | undefined): readonly TokenRecord[] {
    const creator = this.#asking(records, by);
    if (creator === undefined) return records;
    const ids = manageable(creator, records);
    const within = records.filter(({ id }) => ids.has(id));
    // Of two records with one id it can't be said which is meant.
    if (within.length !== ids.size) throw answerInvalid();
    return within;
  }

  /** The administrator's limits on a new token, and that it doesn't outlive the one that asks. */
  #policy(creator: TokenRecord | undefined, now: UnixSeconds): Policy | undefined {
    const { policy } = this.#options;
    if (creator === undefined || creator.expires === null) return policy;
    const left = creator.expires - now;
    return { ...policy, maxLifetime: Math.min(left, policy?.maxLifetime ?? left) };
  }

  async #selected({ user, by, options }: Wish<TokenSelector>): Promise<{ record: TokenRecord; records: readonly TokenRecord[] }> {
    const { name, id } = options as { name?: string; id?: string };
    if ((name === undefined) === (id === undefined)) {
      throw new TokenlatchError("selection_invalid", "either a `name` or an `id` selects a token");
    }
    const records = await this.#recordsOf(user);
    const record = this.#within(records, by).find((one) => (id === undefined ? one.name === name && isLive(one) : one.id === id));
    if (record === undefined) throw new LatchError("token_not_found", "the user has no such token");
    return { record, records };
  }

  async #account(user: string): Promise<StoredAccount | null> {
    const accounts = this.#accounts();
    return bounded("look up an account", this.#timeout, async (signal) => {
      const found = typeof accounts === "function" ? await accounts(user, { signal }) : await accounts.account(user, { signal });
      return found ?? null;
    });
  }

  get #holdsAccounts(): boolean {
    return (this.#accounts() as unknown) === this.#options.store;
  }

  #accounts(): AccountStore | AccountLookup {
    // Without `accounts` the store holds them: the constructor has seen to it.
    return this.#options.accounts ?? (this.#options.store as unknown as AccountStore);
  }

  #accountStore(): AccountStore {
    const accounts = this.#accounts();
    if (typeof accounts !== "function") return accounts;
    throw new LatchError("store_unsupported", "accounts are looked up elsewhere, and must be changed there");
  }

  #described(record: TokenRecord): Description {
    return describeToken({ ...this.#now(), record, warnDays: this.#options.warnDays }).token;
  }

  #now(): { readonly now?: UnixSeconds } {
    return this.#options.now === undefined ? {} : { now: this.#options.now() };
  }

  /** The refusal that a fault comes to. What the caller did wrong is thrown on: it is no answer to a request. */
  #refused(error: unknown): Refused {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    return refusedBy(fault, this.unavailable());
  }
}

function ownerOf(record: unknown): string | undefined {
  if (typeof record !== "object" || record === null) return undefined;
  const { user } = record as { user?: unknown };
  return typeof user === "string" ? user : undefined;
}

/** The ids of the records that the token that asks may manage. This operation of the module has no typed function. */
function manageable(creator: TokenRecord, records: readonly TokenRecord[]): ReadonlySet<string> {
  // A store may give integers as BigInts, which JSON doesn't have.
  const text = JSON.stringify({ op: "manageable", creator, records }, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
  const { ids } = sent<{ readonly ids: readonly string[] }>(new Utf8Encoder().encode(text), (module, at, length) => module.tokenlatch_call(at, length));
  return new Set(ids);
}

function isLive(record: TokenRecord): boolean {
  return record.revoked === undefined || record.revoked === null;
}

/** In seconds: creations within it are capped. */
const HOUR = 3_600;

/** In seconds: how long a revoked token is kept. Where writes spread slowly a short time could remove a revocation before it is seen. */
const KEEP_REVOKED = 400 * 86_400;
const LEAST_KEPT = 3_600;

/** How long a store may take to remove revoked tokens, in milliseconds. */
const PRUNE_TIMEOUT = 60_000;

function liveNames(records: readonly TokenRecord[]): string[] {
  return records.filter(isLive).map((record) => record.name);
}

function nameTaken(field: string): TokenlatchError {
  return new TokenlatchError("name_taken", "another token of the user has this name", field);
}

function answerInvalid(): LatchError {
  return new LatchError("store_answer_invalid", "what the store gave is no answer to the question");
}
