// Explore: a user beside somebody new, their lists with reasons, and similar items as a walk.

import { get, learnTitles, readTitles, segment, titleOf } from "./api.js";
import { makeChoosers } from "./choosers.js";
import { empty, failure, h, later, loading, number, show } from "./dom.js";
import { bar, categoriesOf, itemName, sourceChip } from "./lists.js";
import { makePersona } from "./persona.js";

const TYPING_MS = 150;
const MOST_STEPS = 12;
const KINDS = { blend: "all that is known", vector: "vectors", covisitation: "chosen together", same_day: "same day" };

export function mount(place, params, { signal, go }) {
  let shown = read(params);
  const guestId = `guest-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
  const settings = () => ({ k: shown.k, diversity: shown.diversity || undefined, max_per_category: shown.most || undefined,
    category: shown.category || undefined, filter: shown.filter ? shown.filter.split(";").map((one) => one.trim()) : undefined, exclude_seen: shown.seen ? "false" : undefined });
  const walk = (id) => go(written({ ...shown, item: id }));
  const user = makePersona({ signal, settings, walk, noun: "user" });
  const guest = makePersona({ signal, settings, walk, noun: "newcomer" });
  const similar = h("section", { class: "panel similar", "aria-labelledby": "similar-title" });
  const steps = [];

  const choosers = makeChoosers({ signal, choose: (id) => { choosers.clear(); input.value = id; choose(id); } });
  const suggestions = h("datalist", { id: "user-ids" });
  const input = h("input", { id: "user", list: "user-ids", autocomplete: "off", spellcheck: "false", maxlength: 256, placeholder: "an id, or a title that they chose" });
  const lookUp = later(async () => {
    const typed = input.value;
    choosers.search(typed);
    const found = await get("v1/users", { query: { prefix: typed, limit: 8 }, signal });
    show(suggestions, found.user_ids.map((id) => h("option", { value: id })));
  }, TYPING_MS);
  input.addEventListener("input", lookUp);
  const submit = (event) => { event.preventDefault(); choosers.clear(); if (input.value) choose(input.value); };
  const choose = (id) => go(written({ ...shown, user: id, item: "" }));

  async function somebody() {
    try {
      const ids = (await get("v1/users", { query: { limit: 1000 }, signal })).user_ids;
      const known = ids.filter((id) => !id.startsWith("guest-"));
      if (known.length) choose(known[Math.floor(Math.random() * known.length)]);
      else user.say(empty("Nobody is known yet", "Once the trainer has learned from events, users stand here."));
    } catch (error) { if (!signal.aborted) user.say(failure(error, somebody)); }
  }

  const { fields, fill } = listSettings((changed) => {
    shown = { ...shown, ...changed };
    go(written(shown), { replace: true });
    user.refresh();
    guest.refresh();
  });

  show(place,
    h("div", { class: "lead" },
      h("h1", {}, "Explore"),
      h("p", {}, "Choose something as a user, and see the next list go by it.")),
    h("form", { class: "search", onsubmit: submit },
      h("label", { for: "user" }, "User"), input, suggestions,
      h("button", { type: "submit", class: "primary" }, "Show"),
      h("button", { type: "button", onclick: somebody }, "Somebody")),
    choosers.element,
    fields,
    h("div", { class: "personas" }, user.element, guest.element),
    similar);

  function update(given) {
    const before = shown;
    shown = read(given);
    fill(shown);
    if (before.user !== shown.user || !user.id()) {
      input.value = shown.user;
      if (shown.user) user.open(shown.user); else somebody();
    }
    if (before.item !== shown.item || !similar.childNodes.length) showSimilar();
  }

  async function showSimilar(by = "blend") {
    const id = shown.item;
    if (!id) {
      steps.length = 0;
      show(similar, h("h2", { id: "similar-title" }, "Similar items"),
        empty("A walk from item to item", "Follow a title in one of the lists to see what is similar to it, and go on from there."));
      return;
    }
    const known = steps.indexOf(id);
    if (known >= 0) steps.length = known + 1; else { steps.push(id); if (steps.length > MOST_STEPS) steps.shift(); }
    const body = h("div", {}, loading("similar items"));
    const pick = h("select", { id: "similar-by", onchange: () => showSimilar(pick.value) },
      Object.entries(KINDS).map(([name, words]) => h("option", { value: name, selected: name === by }, words)));
    const head = () => [
      h("h2", { id: "similar-title" }, "Similar to ", h("cite", {}, titleOf(id))),
      h("div", { class: "row" },
        h("nav", { "aria-label": "Steps of the walk", class: "steps" }, steps.map((step) => step === id
          ? h("span", { "aria-current": "step" }, titleOf(step))
          : h("button", { type: "button", class: "link", onclick: () => walk(step) }, titleOf(step)))),
        h("span", { class: "field" }, h("label", { for: "similar-by" }, "by"), pick),
        h("button", { type: "button", class: "quiet", onclick: () => walk("") }, "Close"))];
    show(similar, head(), body);
    try {
      const answer = await get(`v1/items/${segment(id)}/similar`, { query: { k: 12, by }, signal });
      learnTitles(answer.items);
      await readTitles([...steps], signal);
      if (shown.item !== id) return;
      show(similar, head(), answer.items.length ? h("ol", { class: "cards" }, answer.items.map((item) => card(item, answer.items[0].score)))
        : empty("Nothing is similar to it yet", "Nobody has chosen it together with anything else."));
    } catch (error) { if (!signal.aborted && shown.item === id) show(similar, head(), failure(error, () => showSimilar(by))); }
  }

  const card = (item, most) => h("li", { class: "card" },
    h("button", { type: "button", class: "link title", onclick: () => walk(item.item_id) }, itemName(item)),
    categoriesOf(item), h("span", { class: "row" }, bar(item.score, most, `score ${number(item.score, 3)}`), sourceChip(item.source)));

  fill(shown);
  input.value = shown.user;
  guest.open(guestId, true);
  if (shown.user) user.open(shown.user); else somebody();
  showSimilar();
  return { update };
}

function read(params) {
  const within = (name, least, most, otherwise) => {
    const value = Number(params.get(name) ?? NaN);
    return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : otherwise;
  };
  return { user: params.get("user") ?? "", item: params.get("item") ?? "", k: Math.round(within("k", 1, 50, 10)),
    diversity: within("diversity", 0, 1, 0), most: Math.round(within("most", 0, 10, 0)),
    category: params.get("category") ?? "", filter: params.get("filter") ?? "", seen: params.get("seen") === "yes" };
}

function written(shown) {
  return { user: shown.user, item: shown.item, k: shown.k === 10 ? "" : shown.k, diversity: shown.diversity || "",
    most: shown.most || "", category: shown.category, filter: shown.filter, seen: shown.seen ? "yes" : "" };
}

function listSettings(change) {
  const slider = (name, label, most, step, words) => {
    const value = h("output", { for: name });
    const made = h("input", { id: name, type: "range", min: name === "k" ? 1 : 0, max: most, step });
    const tell = () => { value.textContent = words(Number(made.value)); made.setAttribute("aria-valuetext", value.textContent); };
    made.addEventListener("input", tell);
    made.addEventListener("change", () => change({ [name]: Number(made.value) }));
    return { made, tell, field: h("p", { class: "field" }, h("label", { for: name }, label), made, value) };
  };
  const k = slider("k", "Length", 50, 1, String);
  const diversity = slider("diversity", "Diversity", 1, 0.05, (value) => value.toFixed(2));
  const most = slider("most", "Most of a category", 10, 1, (value) => (value ? String(value) : "any number"));
  const category = h("input", { id: "category", autocomplete: "off", maxlength: 256, placeholder: "any",
    onchange: () => change({ category: category.value }) });
  const filter = h("input", { id: "filter", autocomplete: "off", spellcheck: "false", maxlength: 400, placeholder: "release_year>1990",
    onchange: () => change({ filter: filter.value }) });
  const seen = h("input", { id: "seen", type: "checkbox", onchange: () => change({ seen: seen.checked }) });
  const fields = h("fieldset", { class: "settings" }, h("legend", { class: "unseen" }, "Settings of the lists"),
    k.field, diversity.field, most.field,
    h("p", { class: "field" }, h("label", { for: "category" }, "Only of category"), category),
    h("p", { class: "field" }, h("label", { for: "filter" }, "Filter"), filter),
    h("p", { class: "field check" }, seen, h("label", { for: "seen" }, "also what they have seen")));
  const fill = (shown) => {
    k.made.value = shown.k; diversity.made.value = shown.diversity; most.made.value = shown.most;
    for (const one of [k, diversity, most]) one.tell();
    category.value = shown.category; filter.value = shown.filter; seen.checked = shown.seen;
  };
  return { fields, fill };
}
