/* @ts-self-types="./latch.d.ts" */

import { Accepted } from "../module/accepted.js";
import { type FetchRequest, type NodeRequest, authorizationOf } from "../module/authorization.js";
import { createToken, describeToken, listTokens, parseAuthorization, renameToken, reply, revokeTokens, verifyToken } from "../module/functions.js";
import { deepCopy, pickKnown, readCall, readPlain, routeRequestOf } from "../module/plain-object.js";
import { refusalCauseOf, refusalFor, unavailableReply } from "../module/refusal.js";
import { TokenTable } from "../module/table.js";
import { unixNow } from "../runtime/clock.js";
import { withTimeout } from "../runtime/timeout.js";
import { matchingAccount, bindToAccount } from "../stores/internal/generation.js";
import type { AccountLookup, AccountStore, StoreContext, StoredAccount, TokenStore } from "../stores/store.js";
import { TokenlatchError } from "../types/error.js";
import type {
  Account,
  AuthorizationHeader,
  Call,
  Description,
  LatchVerdict,
  Policy,
  PublicAdmission,
  Refused,
  Reply,
  TokenList,
  TokenRecord,
  UnixSeconds,
  UnroutedCall,
  Verdict,
} from "../types/index.js";
import { LatchError } from "../types/latch-error.js";
import {
  type LatchCreateOptions,
  type LatchListOptions,
  type TokenSelection,
  type TokenSelector,
  type Operation,
  KEYS,
  checkValues,
  readOperation,
  userOf,
} from "./operation.js";
import { type LatchOptions, readOptions } from "./options.js";
import { type Principal, bindPrincipal } from "./principal.js";
import { isLive, liveNames, manageableIds, ownerOf } from "./records.js";

/** Looked up when a request names no user, so that the same queries are made for every request. No header can name it. */
const PLACEHOLDER_USER = "-";

/** Creations within this many seconds are capped. */
const HOUR = 3_600;

/** How long a revoked token is kept, in seconds. Where writes spread slowly a short time could remove a revocation before it is seen. */
const KEEP_REVOKED = 400 * 86_400;
const MIN_KEEP_REVOKED = 3_600;

/** How long a store may take to remove revoked tokens, in milliseconds. */
const PRUNE_TIMEOUT = 60_000;

/** The result of `create`. */
export interface LatchCreated {
  /** The text of the token, to show once. It can't be recovered. */
  readonly token: string;
  /** The token as its owner sees it. */
  readonly description: Description;
}

/** The result of `revoke`. */
export interface LatchRevoked {
  /** The revoked tokens. */
  readonly tokens: readonly Description[];
  /** Names or ids without a token. */
  readonly unknown: readonly string[];
  /** Whether the revocation is in force everywhere at once, or only after the store has spread it. */
  readonly immediate: boolean;
}

/**
 * Creates, verifies, lists, describes, renames and revokes tokens in a store. The module makes every decision; a `Latch` reads what the
 * module needs from the store, and stores the results.
 *
 * When a store throws, hangs or returns an invalid answer, `verify` refuses the request; every other operation throws.
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
  /** The credentials of the options; undefined for the usual ones. */
  readonly #accepted: Accepted | undefined;
  /** Made in the constructor, because it must exist before the module breaks. */
  readonly #unavailable: Reply;
  /** A table without tokens, which knows the public routes. Made when the first route is judged. */
  #publicRoutes: TokenTable | undefined;

  /**
   * Makes a latch over a store.
   *
   * @throws LatchError `option_invalid` for an invalid option, TokenlatchError for an option that the module refuses, such as a pepper or a
   * catalogue.
   */
  constructor(options: LatchOptions<Store>) {
    this.#options = readOptions(options);
    this.#timeout = this.#options.timeout ?? 5_000;
    const { credentials } = this.#options;
    this.#accepted = credentials === undefined ? undefined : new Accepted(credentials);
    this.#unavailable = unavailableReply();
  }

  /** The guarantees of the store. */
  get capabilities(): Store["capabilities"] {
    return this.#options.store.capabilities;
  }

  /**
   * Creates a token and stores its record. Its text is returned here only. For a creation on behalf of a request, pass the verdict or
   * identity as `by`: the new token has at most the access of that token and doesn't outlive it. The caps on tokens per user and per hour
   * are compared with the stored tokens before the creation: several creations at the same moment may exceed them.
   *
   * @example
   * ```js
   * const { token } = await latch.create({ user: "alice", name: "backup", access: { features: ["backup"] }, expires: "2027-01-31" });
   * const { access, readOnly } = verdict;
   * await latch.create({ by: verdict, name: "script", access, readOnly });
   * ```
   *
   * @throws TokenlatchError for an invalid option, a name in use or `access_exceeds_creator`; LatchError for an unknown account or a store that fails.
   */
  async create(options: LatchCreateOptions): Promise<LatchCreated> {
    const { prefix, peppers, zone } = this.#options;
    const { user, by, options: given } = readOperation(options, KEYS.create);
    const stored = await this.#account(user);
    const records = await this.#recordsOf(user);
    const creator = this.#creator(records, by);
    const account = matchingAccount(creator ?? null, stored);
    if (stored === null || account === null) throw new LatchError("account_unknown", "the user has no account", { field: "user" });
    const now = this.#options.now?.() ?? unixNow();
    const settings = { policy: this.#policy(creator, now), prefix, pepper: peppers?.[0], zone };
    const taken = liveNames(records);
    const held = { tokens: taken.length, lastHour: records.filter((record) => record.created > now - HOUR).length };
    const { token, record: unbound } = createToken({ ...given, user, now, account, held, taken, creator, ...settings });
    const record = bindToAccount(stored, unbound);
    // The store can compare the generation only if it holds the accounts.
    const generation = this.#holdsAccounts ? stored.generation : undefined;
    const insertion = await this.#callStore("store a token", (store, context) => store.insert(record, { ...context, generation }));
    if (insertion === "account_gone") throw new LatchError("account_unknown", "the account of the user was removed at the same time", { field: "user" });
    if (insertion === "name_taken") throw nameTaken("name");
    if (insertion === "hash_taken") throw new TokenlatchError("hash_taken", "another token has this hash or id");
    if (insertion !== "stored") throw answerInvalid();
    return { token, description: this.#describe(record) };
  }

  /**
   * Decides about a request. The same queries are made for every credential, valid or not. A refusal is a verdict, also when the store fails
   * (status 503): send its `refusal` and log its `reason` and `fault`.
   *
   * @param request a standard `Request`, a request of Node's `http`, or an `Authorization` header
   * @param call what the request wants to do; without it only a full token that may write is admitted
   *
   * @example
   * ```js
   * const verdict = await latch.verify(request, { feature: "backup", writes: false, address: "192.0.2.7" });
   * if (!verdict.allowed) return new Response(verdict.refusal.body, verdict.refusal);
   * ```
   *
   * @throws TokenlatchError for an invalid call, LatchError for a value that isn't a request.
   */
  verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: UnroutedCall): Promise<LatchVerdict>;
  /**
   * Decides about a request by its route in the catalogue. A public route is admitted without a token and without the store: its `user` is
   * null.
   *
   * @example
   * ```js
   * const { pathname, search } = new URL(request.url);
   * const verdict = await latch.verify(request, { method: request.method, path: pathname + search });
   * ```
   */
  verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: Call): Promise<LatchVerdict | PublicAdmission>;
  async verify(request: FetchRequest | NodeRequest | AuthorizationHeader, call?: Call): Promise<LatchVerdict | PublicAdmission> {
    const authorization = this.#accepted?.presentedBy(request) ?? authorizationOf(request);
    const callInput = call === undefined ? undefined : readCall(call);
    const { peppers, catalogue } = this.#options;
    try {
      const open = callInput === undefined ? undefined : this.#publicAdmission(callInput);
      if (open !== undefined) return { ...open, fault: null } as PublicAdmission;
      const credential = parseAuthorization({ authorization, peppers });
      const record = await this.#callStore("find a token", (store, context) => store.find(credential.hashes, context));
      const account = await this.#account(ownerOf(record) ?? credential.user ?? PLACEHOLDER_USER);
      const verdict = verifyToken({ ...this.#now(), authorization, record, account: matchingAccount(record, account), call: callInput, peppers, catalogue });
      const result = { ...verdict, fault: null } as LatchVerdict | PublicAdmission;
      return result.allowed && result.user !== null ? bindPrincipal(result, result) : result;
    } catch (error) {
      return this.#toRefusal(error);
    }
  }

  /**
   * Returns the names of the header fields to remove from a request before it is passed on, in lower case: those in which a token may stand.
   * The middleware removes them. `Authorization` isn't among them if its scheme isn't one of the option `credentials`.
   *
   * @example
   * ```js
   * latch.credentialFields(request); // ["authorization"]
   * ```
   */
  credentialFields(request: FetchRequest | NodeRequest): readonly string[] {
    return this.#accepted?.heldBy(request) ?? ["authorization"];
  }

  /**
   * Lists the tokens of a user by pages. It reads all of them, at most about 20,000.
   *
   * @example
   * ```js
   * const { tokens, total } = await latch.list({ user: "alice", sort: "expires" });
   * ```
   */
  async list(options: LatchListOptions): Promise<TokenList> {
    const { user, by, options: given } = readOperation(options, KEYS.list);
    const records = this.#manageable(await this.#recordsOf(user), by);
    return listTokens({ ...given, ...this.#now(), records, warnDays: this.#options.warnDays });
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
    const { record } = await this.#select(readOperation(selector, KEYS.describe));
    return this.#describe(record);
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
    const operation = readOperation(options, KEYS.rename);
    const { record, records } = await this.#select(operation);
    const renamed = renameToken({ record, newName: operation.options.newName, taken: liveNames(records) }).record;
    const renaming = await this.#callStore("rename a token", (store, context) => store.rename(renamed, context));
    if (renaming === "name_taken") throw nameTaken("newName");
    if (renaming === "gone") throw new TokenlatchError("record_revoked", "the token was revoked at the same time");
    if (renaming !== "renamed") throw answerInvalid();
    return this.#describe(renamed);
  }

  /**
   * Revokes tokens of a user. Unknown names or ids don't stop the others from being revoked.
   *
   * @example
   * ```js
   * const { immediate } = await latch.revoke({ user: "alice", names: ["backup"] });
   * ```
   */
  async revoke(selection: TokenSelection): Promise<LatchRevoked> {
    const { user, by, options } = readOperation(selection, KEYS.revoke);
    const { names, ids } = options as { names?: readonly string[]; ids?: readonly string[] };
    const records = this.#manageable(await this.#recordsOf(user), by);
    const { records: revoked, unknown } = revokeTokens({ ...this.#now(), records, names, ids });
    for (const record of revoked) {
      const stored = { ...record, revoked: record.revoked as UnixSeconds };
      await this.#callStore("revoke a token", (store, context) => store.revoke(stored, context));
    }
    const tokens = revoked.map((record) => this.#describe(record));
    return { tokens, unknown, immediate: this.capabilities.immediateRevocation };
  }

  /**
   * Stores a new or changed account.
   *
   * @example
   * ```js
   * await latch.putAccount({ user: "alice", features: ["apitokens", "backup"] });
   * ```
   *
   * @throws LatchError `store_unsupported` when accounts are in another system; TokenlatchError for an invalid account.
   */
  async putAccount(account: Account): Promise<void> {
    const accounts = this.#accountStore();
    // The account may come from the store: its generation is left out, because the store sets it.
    const read = matchingAccount(null, deepCopy(readPlain(account, "account") as unknown as Account, "account")) as Account;
    // The module checks it, so that an invalid account is never stored.
    checkValues({ account: read });
    await withTimeout("store an account", this.#timeout, (signal) => accounts.putAccount(read, { signal }));
  }

  /**
   * Removes an account and revokes its tokens.
   *
   * @example
   * ```js
   * await latch.removeAccount("alice");
   * ```
   *
   * @throws LatchError `store_unsupported` when accounts are in another system.
   */
  async removeAccount(user: string): Promise<void> {
    const accounts = this.#accountStore();
    userOf({ user });
    await this.#revokeAll(user);
    await withTimeout("remove an account", this.#timeout, (signal) => accounts.removeAccount(user, { signal }));
    // Again: a token may have been created before the account was removed.
    await this.#revokeAll(user);
  }

  /**
   * Deletes tokens that were revoked long ago. Call it once a day, from a cron job. Requests with them stay refused, as `token_unknown`.
   * A revoked token that is kept can't be stored again as a live one, so keep it longer than any backup.
   *
   * @param options `keepRevoked`: how many seconds to keep a token after its revocation, from 3,600. Default: 400 days.
   * @returns the number of deleted tokens
   *
   * @example
   * ```js
   * const removed = await latch.prune({ keepRevoked: 90 * 86_400 });
   * ```
   *
   * @throws LatchError `store_unsupported` for a store without `prune`, `store_timeout` after a minute: tokens deleted by then
   * stay deleted, and the next call continues.
   */
  async prune(options: { readonly keepRevoked?: number | undefined } = {}): Promise<number> {
    const { keepRevoked = KEEP_REVOKED } = pickKnown(options, "options", ["keepRevoked"]);
    if (!Number.isSafeInteger(keepRevoked) || (keepRevoked as number) < MIN_KEEP_REVOKED) {
      throw new LatchError("option_invalid", `\`keepRevoked\` must be whole seconds from ${MIN_KEEP_REVOKED}`, { field: "keepRevoked" });
    }
    const { store } = this.#options;
    if (typeof store.prune !== "function") throw new LatchError("store_unsupported", "this store has no `prune`, so revoked tokens can't be deleted");
    const before = (this.#options.now?.() ?? unixNow()) - (keepRevoked as number);
    const removed = await withTimeout("remove revoked tokens", PRUNE_TIMEOUT, async (signal) => store.prune?.(before, { signal }));
    if (typeof removed !== "number" || !Number.isSafeInteger(removed)) throw answerInvalid();
    return removed;
  }

  /**
   * Makes the reply (429) to an address with too many failures, to send unchanged.
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
   * Makes the reply (503) for requests that can't be decided, to send unchanged.
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

  async #callStore<T>(what: string, call: (store: TokenStore, context: StoreContext) => Promise<T>): Promise<T> {
    return withTimeout(what, this.#timeout, (signal) => call(this.#options.store, { signal }));
  }

  async #recordsOf(user: string): Promise<readonly TokenRecord[]> {
    const records = await this.#callStore("list tokens", (store, context) => store.listOf(user, context));
    // Another user's record must not be returned, even if the store does.
    if (!Array.isArray(records) || records.some((record) => ownerOf(record) !== user)) throw answerInvalid();
    return records;
  }

  /** Returns the current record of the token that is given as `by`. */
  #creator(records: readonly TokenRecord[], by: Principal | undefined): TokenRecord | undefined {
    if (by === undefined) return undefined;
    const record = records.find(({ id }) => id === by.id);
    const status = record === undefined ? "revoked" : this.#describe(record).status;
    if (status === "active" || status === "expiring") return record;
    throw new LatchError("token_not_found", "the token in `by` is no longer valid", { field: "by" });
  }

  /** Returns the records that the token in `by` may manage: those that it could have created. */
  #manageable(records: readonly TokenRecord[], by: Principal | undefined): readonly TokenRecord[] {
    const creator = this.#creator(records, by);
    if (creator === undefined) return records;
    const ids = manageableIds(creator, records);
    const manageable = records.filter(({ id }) => ids.has(id));
    // Two records with the same id are ambiguous.
    if (manageable.length !== ids.size) throw answerInvalid();
    return manageable;
  }

  /** Returns the limits on a new token: the administrator's, and the remaining life of the creator. */
  #policy(creator: TokenRecord | undefined, now: UnixSeconds): Policy | undefined {
    const { policy } = this.#options;
    if (creator === undefined || creator.expires === null) return policy;
    const left = creator.expires - now;
    return { ...policy, maxLifetime: Math.min(left, policy?.maxLifetime ?? left) };
  }

  async #select({ user, by, options }: Operation<TokenSelector>): Promise<{ record: TokenRecord; records: readonly TokenRecord[] }> {
    const { name, id } = options as { name?: string; id?: string };
    if ((name === undefined) === (id === undefined)) {
      throw new TokenlatchError("selection_invalid", "either a `name` or an `id` selects a token");
    }
    const records = await this.#recordsOf(user);
    const record = this.#manageable(records, by).find((one) => (id === undefined ? one.name === name && isLive(one) : one.id === id));
    if (record === undefined) throw new LatchError("token_not_found", "the user has no such token");
    return { record, records };
  }

  async #account(user: string): Promise<StoredAccount | null> {
    const accounts = this.#accounts();
    return withTimeout("look up an account", this.#timeout, async (signal) => {
      const found = typeof accounts === "function" ? await accounts(user, { signal }) : await accounts.account(user, { signal });
      return found ?? null;
    });
  }

  get #holdsAccounts(): boolean {
    return (this.#accounts() as unknown) === this.#options.store;
  }

  #accounts(): AccountStore | AccountLookup {
    // Without `accounts` the store holds them, as the constructor has checked.
    return this.#options.accounts ?? (this.#options.store as unknown as AccountStore);
  }

  #accountStore(): AccountStore {
    const accounts = this.#accounts();
    if (typeof accounts !== "function") return accounts;
    throw new LatchError("store_unsupported", "accounts are in another system and must be changed there");
  }

  #describe(record: TokenRecord): Description {
    return describeToken({ ...this.#now(), record, warnDays: this.#options.warnDays }).token;
  }

  #now(): { readonly now?: UnixSeconds } {
    return this.#options.now === undefined ? {} : { now: this.#options.now() };
  }

  /** Returns the verdict of a public route; undefined for any other call. */
  #publicAdmission(call: Call): Verdict | undefined {
    const routed = routeRequestOf(call);
    if (routed === undefined) return undefined;
    this.#publicRoutes ??= new TokenTable({ catalogue: this.#options.catalogue });
    const number = this.#publicRoutes.route(routed.method, routed.path, routed.realm);
    const verdict = this.#publicRoutes.verify(null, { call: number });
    return verdict.allowed ? verdict : undefined;
  }

  /** Makes the refusal for an error. Errors of the caller are thrown again. */
  #toRefusal(error: unknown): Refused {
    const cause = refusalCauseOf(error);
    if (cause === undefined) throw error;
    return refusalFor(cause, this.unavailable());
  }
}

function nameTaken(field: string): TokenlatchError {
  return new TokenlatchError("name_taken", "another token of the user has this name", field);
}

function answerInvalid(): LatchError {
  return new LatchError("store_answer_invalid", "the store returned an invalid answer");
}
