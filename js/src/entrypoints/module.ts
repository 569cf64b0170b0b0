/* @ts-self-types="./module.d.ts" */

/**
 * Bring your own compiled module: for a runtime that has a way of its own to come by one. Call {@link start} first.
 *
 * @module
 */
export { start } from "../module/instance.js";
export * from "../index.js";
