import { routes } from "../routes.mjs";

/** A catalogue of 1,000 routes, 256 of the tokens in use. */
export default (stage) => routes(stage, 1000);
