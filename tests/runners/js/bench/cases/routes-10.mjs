import { routes } from "../routes.mjs";

/** A catalogue of 10 routes, 256 of the tokens in use. */
export default (stage) => routes(stage, 10);
