// Users: search, what is known of each, who is like them, and erasing.

import { call, get, readTitles, segment, titleOf } from "./api.js";
import { ask, empty, failure, h, later, loading, moment, number, show } from "./dom.js";
import { bar, factList } from "./lists.js";
import { stepsOf } from "./steps.js";

const TYPING_MS = 200;

export function mount(place, params, { signal, go, goTo }) {
  let shown = read(params);
  const results = h("div", { class: "results", role: "region", "aria-label": "Users found" });
  const detail = h("div", { class: "panel detail" });
  const input = h("input", { id: "user-prefix", type: "search", autocomplete: "off", spellcheck: "false", maxlength: 120, placeholder: "how an id begins" });
  input.addEventListener("input", later(async () => go({ prefix: input.value, user: shown.user }, { replace: true }) ?? search(input.value), TYPING_MS));
  const open = (id) => go({ prefix: input.value, user: id });

  show(place, h("h1", {}, "Users"),
    h("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); if (input.value) open(input.value); } }, h("label", { for: "user-prefix" }, "Search"), input),
    h("div", { class: "split" }, h("section", { class: "panel", "aria-label": "Search" }, results), detail));

  async function search(prefix) {
    shown.prefix = prefix;
    show(results, loading("users"));
    try {
      const { user_ids: ids } = await get("v1/users", { query: { prefix, limit: 40 }, signal });
      if (prefix !== shown.prefix) return;
      show(results, ids.length ? h("ul", {}, ids.map((id) => h("li", {}, h("button", { type: "button", class: "link id", onclick: () => open(id) }, id)))) : empty("No such user", "No id begins like that."));
    } catch (error) { if (!signal.aborted && prefix === shown.prefix) show(results, failure(error, () => search(prefix))); }
  }

  async function showUser() {
    const id = shown.user;
    if (!id) { show(detail, empty("No user chosen", "Search, and open one.")); return; }
    show(detail, loading("the user"));
    try {
      const [user, status] = await Promise.all([get(`v1/users/${segment(id)}`, { signal }), get("v1/status", { signal }).catch(() => null)]);
      await readTitles([...user.recent, ...user.disliked.slice(-20)], signal);
      if (id !== shown.user) return;
      show(detail, facts(user, status?.may_change ?? true), habits(user.profile), choices("Chose lately", user.recent), choices("Does not like", user.disliked.slice(-20)), stepsOf(id, signal), alike(id));
    } catch (error) {
      if (signal.aborted || id !== shown.user) return;
      show(detail, h("h2", { class: "id" }, id), error.kind === "missing" ? [empty("Nothing is known of them", "No event of theirs has been learned, and no attributes are stored."), stepsOf(id, signal, { isQuiet: true })] : failure(error, showUser));
    }
  }

  function facts(user, mayChange) {
    const rows = [["Events", number(user.n_events)], ["Last", user.updated_at ? moment(user.updated_at) : null], ["Vector", user.has_vector ? "yes" : "not yet"], ["Generation", user.generation]];
    return h("section", { class: "detail" }, h("h2", {}, "User ", h("span", { class: "id" }, user.user_id)),
      factList(rows, user.attributes),
      h("div", { class: "row" }, h("button", { type: "button", onclick: () => goTo("explore", { user: user.user_id }) }, "Explore their lists"),
        mayChange ? h("button", { type: "button", class: "danger", onclick: () => erase(user.user_id) }, "Erase") : h("span", { class: "faint" }, "Only an admin key can erase them.")));
  }

  async function erase(id) {
    const given = await ask({ title: `Erase ${id}?`, danger: true, confirm: "Erase",
      text: "All that is stored of this user goes, and no event of theirs from before counts any more. It can't be taken back.",
      fields: [{ name: "id", label: "Type the id to go on" }], check: ({ id: typed }) => (typed === id ? "" : "That is not the id.") });
    if (!given) return;
    try { await call("DELETE", `v1/users/${segment(id)}`, { signal }); show(detail, empty(`${id} is erased`, "The trainer forgets them with the next records it reads.")); search(shown.prefix); } catch (error) { if (!signal.aborted) detail.prepend(failure(error)); }
  }

  function habits(profile) {
    const uses = profile.categories.slice(0, 8);
    if (!uses.length) return null;
    const most = Math.max(...uses.map((use) => use.n_events));
    return h("section", {}, h("h3", {}, "Categories"), h("ul", { class: "results" }, uses.map((use) => h("li", {}, h("span", { class: "row" }, use.category, h("span", { class: "faint" }, `${number(use.n_events)} events`)), bar(use.n_events, most, `${number(use.n_events)} events`)))));
  }

  function choices(title, ids) {
    if (!ids.length) return null;
    return h("section", {}, h("h3", {}, title), h("ol", { class: "chosen" }, [...ids].reverse().map((id) => h("li", {}, h("a", { href: `#/items?item=${encodeURIComponent(id)}` }, titleOf(id))))));
  }

  function alike(id) {
    const box = h("section", {}, h("h3", {}, "Who choose alike"), loading("who choose alike"));
    get(`v1/users/${segment(id)}/similar`, { query: { k: 8 }, signal }).then(({ users }) => {
      show(box, h("h3", {}, "Who choose alike"), users.length ? h("ul", { class: "results" }, users.map((user) => h("li", {},
        h("button", { type: "button", class: "link id", onclick: () => open(user.user_id) }, user.user_id), bar(user.score, 1, `cosine ${number(user.score, 2)}`)))) : empty("Nobody yet"));
    }).catch((error) => { if (!signal.aborted) show(box, h("h3", {}, "Who choose alike"), failure(error)); });
    return box;
  }

  function update(given) {
    const before = shown;
    shown = read(given);
    if (shown.prefix !== before.prefix) { input.value = shown.prefix; search(shown.prefix); }
    if (shown.user !== before.user) showUser();
  }

  input.value = shown.prefix;
  search(shown.prefix);
  showUser();
  return { update };
}

function read(params) { return { prefix: params.get("prefix") ?? "", user: params.get("user") ?? "" }; }
