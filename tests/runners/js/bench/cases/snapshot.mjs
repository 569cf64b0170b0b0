import { TURN } from "../stage.mjs";

/** All tokens of a signed snapshot in random order, header → verdict. */
export default (stage) => {
  const { headers, order, now } = stage;
  const { snapshot, call } = stage.snapshot();
  const options = { call, now };
  let at = 0;
  return (calls) => {
    let good = 0;
    for (let done = 0; done < calls; done++) {
      at = (at + 1) & (TURN - 1);
      if (snapshot.verify(headers[order[at]], options).allowed) good++;
    }
    return good;
  };
};
