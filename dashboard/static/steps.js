// What was shown to a user lately, and what they did, step by step.

import { get, readTitles, segment, titleOf } from "./api.js";
import { empty, failure, h, loading, moment, number, seconds, show, table } from "./dom.js";
import { factList } from "./lists.js";

const SHOWN_OF_LIST = 3;

// `isQuiet`: nothing stands there unless there are steps.
export function stepsOf(id, signal, { isQuiet = false } = {}) {
  const head = h("h3", {}, "Shown and done, last 24 hours");
  const again = h("button", { type: "button", class: "quiet", onclick: read }, "Look again");
  const box = h("section", { class: "steps-taken" });
  if (!isQuiet) show(box, head, loading("what was shown to them"));

  async function read() {
    try {
      const told = await get(`v1/users/${segment(id)}/exposures`, { signal });
      await readTitles([...new Set(told.steps.flatMap((step) => step.item_ids))], signal);
      const top = h("div", { class: "row" }, head, again);
      if (!told.steps.length && isQuiet) return;
      if (!told.steps.length) { show(box, top, empty("Nothing lately", "Told are lists that this API answers to them, and events of theirs that it takes.")); return; }
      const rows = [["Lists", number(told.n_lists)], ["Choices", number(told.n_choices)], ["Chosen of what was shown", number(told.n_chosen)]];
      show(box, top, factList(rows, {}), table("Steps, newest first", ["Time", "What", "Items"], told.steps.map((step) => [moment(step.at), what(step), items(step)])));
    } catch (error) {
      if (!signal.aborted && !isQuiet) show(box, head, error.kind === "missing" ? empty("Nothing lately") : failure(error, read));
    }
  }

  read();
  return box;
}

function what(step) {
  if (step.type === null) return "was shown a list";
  const from = step.shown_at === null ? "" : `, ${seconds(step.at - step.shown_at)} after it was shown`;
  return `${step.is_choice ? "chose" : "event"} (${step.type})${from}`;
}

// The rest of a long list opens by itself alone: it needs no room before that.
function items({ item_ids: ids }) {
  const links = (some) => some.flatMap((id, n) => [n ? ", " : null, h("a", { href: `#/items?item=${encodeURIComponent(id)}` }, titleOf(id))]);
  if (ids.length <= SHOWN_OF_LIST) return h("span", {}, links(ids));
  return h("div", {}, h("span", {}, links(ids.slice(0, SHOWN_OF_LIST))),
    h("details", {}, h("summary", {}, `and ${ids.length - SHOWN_OF_LIST} more`), h("span", {}, links(ids.slice(SHOWN_OF_LIST)))));
}
