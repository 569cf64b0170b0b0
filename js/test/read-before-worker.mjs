// The same in workerd.
import { serve } from "./read-before.mjs";

export default { fetch: serve };
