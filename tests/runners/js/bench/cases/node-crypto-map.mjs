import { nodeCryptoMap } from "../node-crypto-map.mjs";

/** By hand with `node:crypto` and a `Map`: all tokens in random order. */
export default (stage) => nodeCryptoMap(stage, -1);
