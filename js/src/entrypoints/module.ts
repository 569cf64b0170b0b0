/* @ts-self-types="./module.d.ts" */

/**
 * The package without a module: for runtimes that load one in their own way. Call {@link start} with it first.
 *
 * @module
 */
export { start } from "../module/instance.js";
export * from "../index.js";
