export { TokenlatchError } from "./errors.js";
export type { ErrorCode } from "./errors.js";
export * from "./functions.js";
export { TokenTable } from "./table.js";
export type * from "./types.js";
