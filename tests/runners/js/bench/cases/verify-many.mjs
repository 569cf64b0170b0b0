import { BATCH, TURN } from "../stage.mjs";

/** All tokens of the table in random order, many headers in one go; a call is one header. */
export default (stage) => {
  const { headers, order, now } = stage;
  const { table, call } = stage.table();
  const options = { call, now };
  let at = 0;
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, calls - done) }, () => {
        at = (at + 1) & (TURN - 1);
        return headers[order[at]];
      });
      for (const { allowed } of table.verifyMany(batch, options)) if (allowed) good++;
    }
    return good;
  };
};
