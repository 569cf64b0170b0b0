import { verifyToken } from "tokenlatch";

import { LIST, TURN } from "../stage.mjs";

/** Header, record and account as objects, as a store gives them → verdict. */
export default ({ headers, records, accounts, order, now }) => {
  const owners = new Map(accounts.map((account) => [account.user, account]));
  let at = 0;
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      at = (at + 1) & (TURN - 1);
      const record = records[order[at]];
      const account = owners.get(record.user);
      if (verifyToken({ authorization: headers[order[at]], record, account, call: LIST, now }).allowed) good++;
    }
    return good;
  };
};
