import { PEERS } from "../stage.mjs";

const PACKAGE = "@biscuit-auth/biscuit-wasm/module/";

/** A biscuit with a date in it, signed by Ed25519: from its text to `allow`. */
export default async ({ platform }) => {
  // The package imports its module as only bundlers and the newest Node can; its own glue takes an instance as well.
  const glue = await platform.glue();
  const compiled = await platform.wasm(`${PACKAGE}biscuit_bg.wasm`);
  const imports = {};
  const snippet = { performance_now: () => performance.now() };
  for (const { module } of WebAssembly.Module.imports(compiled)) imports[module] ??= module.startsWith("./snippets/") ? snippet : glue;
  const { exports } = await WebAssembly.instantiate(compiled, imports);
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  const { AuthorizerBuilder, Biscuit, KeyPair, SignatureAlgorithm } = glue;

  const root = new KeyPair(SignatureAlgorithm.Ed25519);
  const publicKey = root.getPublicKey();
  const tokens = Array.from({ length: PEERS }, (_, index) => {
    const builder = Biscuit.builder();
    builder.addCode(`user("user${index}"); check if time($t), $t < 2090-01-01T00:00:00Z;`);
    return builder.build(root.getPrivateKey()).toBase64();
  });
  // The limit on time that it has by itself, a millisecond, isn't kept while an engine still compiles or waits for a core.
  const limits = { max_facts: 1000, max_iterations: 100, max_time_micro: 600_000_000 };
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      const token = Biscuit.fromBase64(tokens[done & (PEERS - 1)], publicKey);
      const builder = new AuthorizerBuilder();
      builder.addCode("time(2027-01-15T08:00:00Z); allow if user($u);");
      const authorizer = builder.buildAuthenticated(token);
      if (authorizer.authorizeWithLimits(limits) === 0) good++;
      authorizer.free();
      token.free();
    }
    return good;
  };
};
