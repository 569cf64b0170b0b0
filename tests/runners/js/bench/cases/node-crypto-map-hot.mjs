import { nodeCryptoMap } from "../node-crypto-map.mjs";
import { HOT } from "../stage.mjs";

/** By hand with `node:crypto` and a `Map`: 256 of the tokens in use. */
export default (stage) => nodeCryptoMap(stage, HOT - 1);
