// Types of Deno and Bun that the examples use, so that one compiler can check them all. In your own project they come from `deno check`
// and `@types/bun`.
declare const Deno: {
  readonly env: { get(name: string): string | undefined };
  serve<Info>(
    options: { readonly hostname: string; readonly port: number },
    handler: (request: Request, info: Info) => Promise<Response>,
  ): unknown;
};
declare const Bun: {
  serve(options: { readonly hostname: string; readonly port: number; readonly fetch: (request: Request) => Promise<Response> }): {
    readonly url: URL;
  };
};

// Types of Cloudflare's Durable Objects. In your own project they come from `wrangler types`.
interface DurableObjectStorage {
  get<Value>(key: string): Promise<Value | undefined>;
  get<Value>(keys: string[]): Promise<Map<string, Value>>;
  put(entries: Readonly<Record<string, unknown>>, options?: { allowUnconfirmed?: boolean }): Promise<void>;
  getAlarm(): Promise<number | null>;
  setAlarm(time: number, options?: { allowUnconfirmed?: boolean }): Promise<void>;
}
interface DurableObjectState {
  readonly storage: DurableObjectStorage;
}
interface DurableObjectNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): { fetch(url: string, init: RequestInit): Promise<Response> };
}
declare module "cloudflare:workers" {
  class DurableObject<Env> {
    readonly ctx: DurableObjectState;
    readonly env: Env;
    constructor(ctx: DurableObjectState, env: Env);
    fetch(request: Request): Promise<Response>;
    alarm(): Promise<void>;
  }
}
