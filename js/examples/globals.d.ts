// What the examples use of Deno and Bun, so that one compiler can check them all; in a project of your own the types come from
// `deno check` and from `@types/bun`.
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
