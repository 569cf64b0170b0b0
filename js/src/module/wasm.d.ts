/** A WebAssembly file compiled by the runtime or its bundler: workerd, wrangler. */
declare module "*.wasm" {
  const compiled: WebAssembly.Module;
  export default compiled;
}

/** The same in the notation of Vercel's edge runtime and Next.js. */
declare module "*.wasm?module" {
  const compiled: WebAssembly.Module;
  export default compiled;
}
