import { nodeCryptoMapBare } from "../node-crypto-map.mjs";

/** By hand without a comparison in constant time: all tokens in random order. */
export default (stage) => nodeCryptoMapBare(stage, -1);
