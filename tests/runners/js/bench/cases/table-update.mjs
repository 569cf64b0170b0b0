import { TokenTable } from "tokenlatch";

import { LIST } from "../stage.mjs";

const TOKENS = 4096;

/** A record changes, and its token is verified: a verdict that isn't kept yet. */
export default ({ headers, records, accounts, now }) => {
  const few = Math.min(TOKENS, records.length);
  const table = new TokenTable({ records: records.slice(0, few), accounts });
  const options = { call: table.prepare(LIST), now };
  let at = 0;
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      at = (at + 1) % few;
      table.update({ records: [records[at]] });
      if (table.verify(headers[at], options).allowed) good++;
    }
    return good;
  };
};
