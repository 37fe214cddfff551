// One user: the history, the list with reasons, and what a choice changes in it, by the clock of the page.

import { call, get, learnTitles, readTitles, segment, titleOf } from "./api.js";
import { empty, failure, h, loading, number, show } from "./dom.js";
import { bar, categoriesOf, causeIds, itemName, moves, reason, sourceChip } from "./lists.js";

const PUBLISHED_AFTER_MS = 1_500;
const SHOWN_OF_HISTORY = 12;

const eventName = () => `page-${Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("-")}`;

export function makePersona({ signal, settings, walk, noun }) {
  let id = "";
  let isNew = false;
  let recent = [];
  let before = [];
  let turn = 0;
  const took_ms = [];
  const head = h("div", { class: "persona-head" });
  const history = h("div", { class: "history" });
  const said = h("p", { class: "took", role: "status" });
  const list = h("div", { class: "list", "aria-busy": "false" });
  const element = h("section", { class: `panel persona persona-${noun}`, "aria-label": noun === "user" ? "User" : "Somebody new" }, head, history, said, list);

  function open(given, asNew = false) {
    [id, isNew, recent, before] = [given, asNew, [], []];
    took_ms.length = 0;
    show(said);
    show(list, loading("the list"));
    showHead();
    showHistory();
    refresh();
    if (!asNew) readUser();
  }

  function showHead(user) {
    const facts = user ? [`${number(user.n_events)} events`, user.has_vector ? null : "no vector yet",
      user.disliked.length ? `${user.disliked.length} not liked` : null].filter(Boolean).join(" · ") : isNew ? "knows nothing of yours yet" : "";
    show(head, h("h2", {}, isNew ? "Somebody new" : ["User ", h("span", { class: "id" }, id)]), h("p", { class: "faint" }, facts));
  }

  async function readUser() {
    const asked = id;
    try {
      const user = await get(`v1/users/${segment(asked)}`, { signal });
      if (asked !== id) return;
      const published = [...user.recent].reverse();
      recent = [...recent.filter((item) => !published.includes(item)), ...published];
      if (user.n_events >= recent.length) recent = published;
      await readTitles(recent, signal);
      if (asked !== id) return;
      showHead(user);
      showHistory();
    } catch (error) {
      if (signal.aborted || asked !== id) return;
      if (error.kind === "missing") { showHead(); showHistory(); } else show(history, failure(error, readUser));
    }
  }

  function showHistory() {
    if (!recent.length) { show(history, h("p", { class: "faint" }, isNew ? "Nothing chosen yet." : "No choices are known.")); return; }
    show(history, h("h3", {}, "Chose lately"), h("ol", { class: "chosen" }, recent.slice(0, SHOWN_OF_HISTORY).map((item) =>
      h("li", {}, h("button", { type: "button", class: "link", onclick: () => walk(item) }, titleOf(item)),
        h("button", { type: "button", class: "quiet", title: "Take back", "aria-label": `Take back ${titleOf(item)}`, onclick: () => act(item, "retract") }, "×")))));
  }

  async function refresh() {
    if (!id) return;
    const mine = ++turn;
    list.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(mine);
      if (answer) showList(answer);
    } catch (error) { if (!signal.aborted && mine === turn) show(list, failure(error, refresh)); } finally { if (mine === turn) list.setAttribute("aria-busy", "false"); }
  }

  // The list of now; null where a later question has been asked meanwhile.
  async function ask(mine) {
    const answer = await get("v1/recommendations", { query: { user_id: id, explain: "true", ...settings() }, signal });
    if (mine !== turn) return null;
    learnTitles(answer.items);
    return answer;
  }

  function showList(answer) {
    const warnings = (answer.warnings ?? []).map((words) => h("p", { class: "notice" }, typeof words === "string" ? words : JSON.stringify(words)));
    if (!answer.items.length) {
      show(list, warnings, empty("Nothing to offer", settings().filter ? "No item that fits the filter is left for them." : settings().category ? "No item of this category is left for them." : "Nothing is known yet, or they have seen all of it."));
      before = [];
      return;
    }
    const moved = moves(before, answer.items);
    const most = Math.max(...answer.items.map((item) => item.score));
    before = answer.items.map((item) => item.item_id);
    const rows = answer.items.map((item, n) => row(item, moved[n], most));
    show(list, warnings, answer.degraded && h("p", { class: "notice" }, "A part does not answer: this is the best of what still works."),
      h("h3", {}, "Is offered"), h("ol", { class: "offers" }, rows));
    nameCauses(answer.items, rows);
  }

  // The reasons name items by titles, which may be on their way while the list stands already.
  async function nameCauses(items, rows) {
    try { await readTitles(causeIds(items), signal); } catch { return; }
    items.forEach((item, n) => { const told = reason(item); if (told) rows[n].querySelector(".reason")?.replaceWith(told); });
  }

  function row(item, moved, most) {
    const name = itemName(item);
    return h("li", { class: "offer" },
      h("div", { class: "offer-main" },
        h("button", { type: "button", class: "link title", onclick: () => walk(item.item_id) }, name),
        moved && h("span", { class: `moved moved-${moved.kind}` }, moved.word),
        categoriesOf(item),
        reason(item)),
      h("div", { class: "offer-side" }, bar(item.score, most, `score ${number(item.score, 3)}`), sourceChip(item.source)),
      h("div", { class: "offer-acts" },
        h("button", { type: "button", "data-item": item.item_id, "aria-label": `Choose ${name}`, onclick: () => act(item.item_id) }, "Choose"),
        h("button", { type: "button", class: "quiet", "aria-label": `Do not like ${name}`, onclick: () => act(item.item_id, "dislike") }, "Not this"),
        h("button", { type: "button", class: "quiet", title: "Less of what it is like", "aria-label": `Less like ${name}`, onclick: () => act(item.item_id, "less") }, "Less")));
  }

  // The event's id makes a second try of the same click harmless, whatever became of the first.
  async function act(itemId, type, eventId = eventName()) {
    const mine = ++turn;
    const asked = id;
    const started = performance.now();
    list.setAttribute("aria-busy", "true");
    try {
      await call("POST", "v1/events", { body: { user_id: id, item_id: itemId, event_id: eventId, ...(type ? { type } : {}) }, signal });
      const answer = await ask(mine);
      if (!answer) return;
      const old = before;
      if (!type || type === "retract") recent = recent.filter((one) => one !== itemId);
      if (!type) recent = [itemId, ...recent];
      showList(answer);
      showHistory();
      const took = performance.now() - started;
      took_ms.push(took);
      tell(old, took);
      list.querySelector("[data-item]")?.focus({ preventScroll: true });
      if (!isNew) setTimeout(() => { if (!signal.aborted && asked === id) readUser(); }, PUBLISHED_AFTER_MS);
    } catch (error) {
      if (!signal.aborted && mine === turn) show(said, failure(error, () => act(itemId, type, eventId)));
    } finally { if (mine === turn) list.setAttribute("aria-busy", "false"); }
  }

  function tell(old, took) {
    const n = before.filter((one) => !old.includes(one)).length;
    const sorted = [...took_ms].sort((one, other) => one - other);
    const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1];
    element.dataset.tookMs = took.toFixed(1);
    show(said, h("strong", {}, `${number(took)} ms`), ` from the click to the new list; ${n} of ${before.length} items are new`,
      took_ms.length > 4 ? `; p95 of ${took_ms.length} clicks ${number(p95)} ms` : "", ".");
  }

  return { element, open, refresh, id: () => id, say: (words) => { show(list, words); show(head, h("h2", {}, "User")); show(history); } };
}
