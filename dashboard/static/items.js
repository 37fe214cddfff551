// Items: search, metadata, what is near each, hiding and deleting.

import { call, get, learnTitles, segment } from "./api.js";
import { lineChart } from "./charts.js";
import { ask, empty, failure, h, later, loading, moment, number, share, show } from "./dom.js";
import { bar, categoriesOf, factList, itemName, sourceChip } from "./lists.js";

const TYPING_MS = 250;
const KINDS = { vector: "by vectors", covisitation: "chosen together", same_day: "on the same day", blend: "by all that is known" };

export function mount(place, params, { signal, go }) {
  let shown = read(params);
  let mayChange = true;
  const results = h("div", { class: "results", role: "region", "aria-label": "Items found" });
  const detail = h("div", { class: "panel detail" });
  const input = h("input", { id: "item-text", type: "search", autocomplete: "off", spellcheck: "false", maxlength: 120, placeholder: "a title, or how an id begins" });
  input.addEventListener("input", later(async () => go({ text: input.value, item: shown.item }, { replace: true }) ?? search(input.value), TYPING_MS));
  const open = (id) => go({ text: input.value, item: id });

  show(place, h("h1", {}, "Items"),
    h("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); search(input.value); } }, h("label", { for: "item-text" }, "Search"), input),
    h("div", { class: "split" }, h("section", { class: "panel", "aria-label": "Search" }, results), detail));

  async function search(text) {
    shown.text = text;
    show(results, loading("items"));
    try {
      const { items } = await get("v1/items", { query: { text, limit: 30 }, signal });
      if (text !== shown.text) return;
      learnTitles(items);
      show(results, items.length ? h("ul", {}, items.map(found)) : empty("No such item",
        text ? "Neither a title nor the beginning of an id is like that." : "No item has metadata: PUT /v1/items takes it."));
    } catch (error) { if (!signal.aborted && text === shown.text) show(results, failure(error, () => search(text))); }
  }

  const found = (item) => h("li", {},
    h("button", { type: "button", class: "link", "aria-current": item.item_id === shown.item ? "true" : null, onclick: () => open(item.item_id) }, itemName(item)),
    h("span", { class: "row" }, h("span", { class: "faint id" }, item.item_id), categoriesOf(item), item.is_hidden && h("span", { class: "tag tag-bad" }, "hidden")));

  async function showItem() {
    const id = shown.item;
    if (!id) { show(detail, empty("No item chosen", "Search, and open one.")); return; }
    show(detail, loading("the item"));
    try {
      const [item, status] = await Promise.all([
        get(`v1/items/${segment(id)}`, { signal }).catch((error) => { if (error.kind === "missing") return null; throw error; }),
        get("v1/status", { signal }).catch(() => null)]);
      if (id !== shown.item) return;
      mayChange = status?.may_change ?? true;
      if (item) learnTitles([item]);
      show(detail, facts(id, item), exposures(id), near(id));
    } catch (error) { if (!signal.aborted && id === shown.item) show(detail, h("h2", {}, id), failure(error, showItem)); }
  }

  function facts(id, item) {
    if (!item) return h("section", {}, h("h2", {}, id), empty("No metadata", "Nothing is stored of an item of this id; people may have chosen it all the same."));
    const rows = [["Id", h("span", { class: "id" }, id)], ["Kind", item.kind], ["Categories", item.categories?.join(", ")],
      ["Changed", item.updated_at ? moment(item.updated_at) : null]];
    return h("section", { class: "detail" },
      h("div", { class: "row" }, h("h2", {}, itemName(item)), item.is_hidden && h("span", { class: "tag tag-bad" }, "hidden")),
      item.text && h("p", {}, item.text.length > 600 ? `${item.text.slice(0, 600)} ...` : item.text),
      factList(rows, item.attributes ?? {}),
      mayChange ? h("div", { class: "row" },
        h("button", { type: "button", onclick: () => hide(item) }, item.is_hidden ? "Show it again" : "Hide it"),
        h("button", { type: "button", class: "danger", onclick: () => remove(item) }, "Delete")) : h("p", { class: "faint" }, "Only an admin key can hide or delete it."));
  }

  async function hide(item) {
    const { item_id: id, updated_at: _, ...body } = item;
    await change(() => call("PUT", `v1/items/${segment(id)}`, { body: { ...body, is_hidden: !item.is_hidden }, signal }));
  }

  async function remove(item) {
    const given = await ask({ title: `Delete ${itemName(item)}?`, text: "Its metadata goes, it is taken out of the index, and never offered again until somebody chooses it.", confirm: "Delete", danger: true });
    if (given) await change(() => call("DELETE", `v1/items/${segment(item.item_id)}`, { signal }));
  }

  async function change(work) {
    try { await work(); await showItem(); search(shown.text); } catch (error) { if (!signal.aborted) detail.prepend(failure(error)); }
  }

  // Exposures and what came of them, by the hour of the last day.
  function exposures(id) {
    const head = h("h2", {}, "Shown and chosen, last 24 hours");
    const box = h("section", { class: "detail exposures" }, head, loading("how often it was shown"));
    get(`v1/items/${segment(id)}/exposures`, { signal }).then((told) => {
      const sum = (counts) => counts.reduce((all, n) => all + n, 0);
      if (!sum(told.shown) && !Object.keys(told.events).length) { show(box, head, empty("Not shown in any list", "Counted are lists that this API answers, and events that it takes.")); return; }
      const rows = [["Lists with it", number(sum(told.shown))], ["Of these, for a user who was named", number(sum(told.shown_to_user))], ["Chosen by them within an hour", number(sum(told.chosen))],
        ["That is", told.chosen_share ? `${share(told.chosen_share.share)} (95 %: ${share(told.chosen_share.low)} to ${share(told.chosen_share.high)})` : null],
        ...Object.entries(told.events).map(([type, counts]) => [`Events: ${type}`, number(sum(counts))])];
      const chart = lineChart({ title: "By the hour", format: (value) => number(value), lines: [{ name: "shown", label: "lists" }, { name: "chosen", label: "chosen" },
        ...Object.keys(told.events).map((type) => ({ name: `event ${type}`, label: type, on: false }))] });
      show(box, head, factList(rows, {}), chart.element);
      chart.draw({ at: told.at, interval_s: 3600, series: { shown: told.shown, chosen: told.chosen, ...Object.fromEntries(Object.entries(told.events).map(([type, counts]) => [`event ${type}`, counts])) } });
    }).catch((error) => { if (!signal.aborted) show(box, head, error.kind === "missing" ? empty("Not shown in any list") : failure(error)); });
    return box;
  }

  function near(id, by = "vector") {
    const box = h("section", { class: "detail" });
    const pick = h("select", { id: "near-by", onchange: () => box.replaceWith(near(id, pick.value)) }, Object.entries(KINDS).map(([name, words]) => h("option", { value: name, selected: name === by }, words)));
    const head = h("div", { class: "row" }, h("h2", {}, "Near it"), h("span", { class: "field" }, h("label", { for: "near-by" }, "found"), pick));
    show(box, head, loading("what is near it"));
    get(`v1/items/${segment(id)}/similar`, { query: { k: 10, by }, signal }).then(({ items }) => {
      learnTitles(items);
      show(box, head, items.length ? h("ol", { class: "results" }, items.map((item) => h("li", {},
        h("button", { type: "button", class: "link", onclick: () => open(item.item_id) }, itemName(item)),
        h("span", { class: "row" }, bar(item.score, items[0].score, `score ${number(item.score, 3)}`), sourceChip(item.source),
          item.support ? h("span", { class: "faint" }, `together ${number(item.support, 1)} times`) : null)))) : empty("Nothing is near it", "Nobody has chosen it yet, as far as this way of looking knows."));
    }).catch((error) => { if (!signal.aborted) show(box, head, error.kind === "missing" ? empty("Nobody has chosen it yet") : failure(error)); });
    return box;
  }

  function update(given) {
    const before = shown;
    shown = read(given);
    if (shown.text !== before.text) { input.value = shown.text; search(shown.text); }
    if (shown.item !== before.item) {
      showItem();
      for (const button of results.querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
    }
  }

  input.value = shown.text;
  search(shown.text);
  showItem();
  return { update };
}

function read(params) { return { text: params.get("text") ?? "", item: params.get("item") ?? "" }; }
