// Method and path → route → verdict, in a table with this number of routes. As in `native.rs` of the benchmark.
import { TokenTable } from "tokenlatch";

import { HOT, TURN } from "./stage.mjs";

const path = (route, id) => `/v1/resource${route}/${id}`;

export const routes = (stage, count) => {
  const { headers, order, now, records, accounts } = stage;
  const list = Array.from({ length: count }, (_, at) => ({ method: "GET", path: path(at, "{id}"), feature: `feature${at % 20}`, writes: false }));
  const table = new TokenTable({ records: records.slice(0, HOT), accounts, catalogue: { routes: list } });
  const paths = Array.from({ length: 4096 }, (_, at) => path((at * 7919) % count, at));
  const options = { call: 0, now };
  let at = 0;
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      at = (at + 1) & (TURN - 1);
      options.call = table.route("GET", paths[at & 4095]);
      if (table.verify(headers[order[at] & (HOT - 1)], options).allowed) good++;
    }
    return good;
  };
};
