// Users by what they chose: titles that have what was typed, and who chose one of them lately.

import { get, learnTitles, segment } from "./api.js";
import { empty, failure, h, loading, moment, show } from "./dom.js";
import { itemName } from "./lists.js";

const LEAST_TYPED = 2;
const MOST_TITLES = 8;
const MOST_USERS = 20;

export function makeChoosers({ signal, choose }) {
  const titles = h("div", { class: "titles" });
  const people = h("div", { class: "people" });
  const element = h("section", { class: "panel choosers", "aria-label": "Users by what they chose", hidden: true }, titles, people);
  let asked = "";
  let chosen = "";

  function clear() { asked = ""; chosen = ""; element.hidden = true; show(titles); show(people); }

  async function search(text) {
    asked = text;
    if (text.trim().length < LEAST_TYPED) { clear(); return; }
    let found;
    try { ({ items: found } = await get("v1/items", { query: { text, limit: MOST_TITLES }, signal })); } catch { found = []; }
    if (signal.aborted || text !== asked) return;
    if (!found.length) { clear(); asked = text; return; }
    learnTitles(found);
    chosen = "";
    show(people);
    element.hidden = false;
    show(titles, h("h2", {}, "Who chose"), h("ul", { class: "row" }, found.map((item) => h("li", {},
      h("button", { type: "button", class: "quiet", "data-item": item.item_id, "aria-pressed": "false", onclick: () => open(item) }, itemName(item))))));
  }

  function open(item) {
    chosen = item.item_id;
    for (const button of titles.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.item === chosen));
    show(people);
    more(item, "");
  }

  // A page may hold nobody, and more be behind it: 20,000 users are looked at for each.
  async function more(item, after) {
    const place = h("div", { role: "status" }, loading("who chose it"));
    people.append(place);
    try {
      const told = await get(`v1/items/${segment(item.item_id)}/users`, { query: { limit: MOST_USERS, after: after || undefined }, signal });
      if (item.item_id !== chosen) return;
      const list = told.users.length && h("ul", { class: "row" }, told.users.map((user) => h("li", {},
        h("button", { type: "button", class: "link id", onclick: () => choose(user.user_id) }, user.user_id),
        user.chosen_at && h("span", { class: "faint" }, ` ${moment(user.chosen_at)}`))));
      const next = told.next_after && h("button", { type: "button", class: "quiet", onclick: () => { place.querySelector(":scope > button")?.remove(); more(item, told.next_after); } }, "Look at more users");
      show(place, list, !list && !people.querySelector("li") && empty("Nobody", next ? "None of the users looked at has it among their last choices." : "No user has it among their last choices."), next);
    } catch (error) {
      if (signal.aborted || item.item_id !== chosen) return;
      if (error.kind === "missing") show(place, empty("Nobody", "No user has it among their last choices."));
      else show(place, failure(error, () => { place.remove(); more(item, after); }));
    }
  }

  return { element, search, clear };
}
