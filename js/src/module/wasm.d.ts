/** A WebAssembly file that the runtime or its bundler compiled beforehand: workerd, wrangler. */
declare module "*.wasm" {
  const compiled: WebAssembly.Module;
  export default compiled;
}

/** The same, as Vercel's edge runtime and Next.js spell it. */
declare module "*.wasm?module" {
  const compiled: WebAssembly.Module;
  export default compiled;
}
