/* @ts-self-types="./index.d.ts" */

export type * from "./account.js";
export type * from "./call.js";
export type * from "./credential.js";
export type * from "./info.js";
export type * from "./lifecycle.js";
export type * from "./parameters.js";
export type * from "./policy.js";
export type * from "./reason.js";
export type * from "./reply.js";
export type * from "./snapshot.js";
export type * from "./table.js";
export type * from "./time.js";
export type * from "./token.js";
export type * from "./validation.js";
export type * from "./verdict.js";
