// Lists of items, each with its source in words.

import { titleOf } from "./api.js";
import { h, share } from "./dom.js";

const SOURCES = {
  gmf: ["fits them", "fits all that was chosen so far"],
  similar: ["similar", "is like what is looked at"],
  covisitation: ["chosen together", "was chosen by others together with the last choices"],
  followers: ["chosen next", "was chosen by others after the last choices"],
  again: ["again", "was chosen before"],
  popular: ["popular", "is what everybody chooses"],
  same_day: ["same day", "was chosen by many on the same day"],
  new: ["new", "is new, and not known well yet"],
  listed: ["named", "is what was asked for"],
};

export function sourceName(source) {
  if (SOURCES[source]) return SOURCES[source][0];
  const window = /^popular_(.+)$/.exec(source);
  return window ? `popular (${window[1]})` : source;
}

export function sourceChip(source) {
  const known = SOURCES[source];
  return h("span", { class: "chip", title: known ? `It ${known[1]}.` : null }, sourceName(source));
}

// Why an item is there: the user's own items first, then what else speaks for it.
export function reason(item) {
  const told = item.explanation;
  const causes = (told?.because ?? []).slice(0, 2);
  if (causes.length) {
    const names = causes.map((cause) => h("cite", {}, titleOf(cause.item_id)));
    return h("p", { class: "reason" }, "Because of ", names.flatMap((name, n) => (n ? [" and ", name] : [name])));
  }
  const words = told?.reasons?.[0] ?? SOURCES[item.source]?.[1];
  return words ? h("p", { class: "reason" }, `It ${words}`) : null;
}

export function causeIds(items) {
  return items.flatMap((item) => (item.explanation?.because ?? []).map((cause) => cause.item_id));
}

export function itemName(item) {
  return item.title || titleOf(item.item_id);
}

export function categoriesOf(item) {
  return item.categories?.length ? h("span", { class: "faint" }, item.categories.slice(0, 3).join(" · ")) : null;
}

// What is known of a user or an item, as far as there is a value: rows, then attributes.
export function factList(rows, attributes) {
  const ofAttributes = Object.entries(attributes).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  return h("dl", { class: "facts" }, [...rows, ...ofAttributes].filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

export function bar(value, most, label) {
  const made = h("span", { class: "bar", role: "img", "aria-label": label ?? share(value) }, h("span", { class: "bar-fill" }));
  made.firstChild.style.width = `${most > 0 && value > 0 ? Math.max(1, (100 * value) / most) : 0}%`;
  return made;
}

// Places of the last list: what is new, and what moved.
export function moves(before, items) {
  const place = new Map(before.map((id, n) => [id, n]));
  return items.map((item, n) => {
    if (!before.length) return null;
    if (!place.has(item.item_id)) return { word: "new", kind: "new" };
    const by = place.get(item.item_id) - n;
    return by === 0 ? null : { word: `${by > 0 ? "▲" : "▼"} ${Math.abs(by)}`, kind: by > 0 ? "up" : "down" };
  });
}
