// Views by the address's hash, and how the whole is.

import { get } from "./api.js";
import { failure, h, show } from "./dom.js";
import { makeFrame } from "./frame.js";

const VIEWS = {
  explore: { name: "Explore", load: () => import("./explore.js") },
  live: { name: "Live", load: () => import("./live.js") },
  journey: { name: "Journey", load: () => import("./journey.js") },
  items: { name: "Items", load: () => import("./items.js") },
  users: { name: "Users", load: () => import("./users.js") },
  experiments: { name: "Experiments", load: () => import("./comparisons/experiments.js") },
  models: { name: "Models", load: () => import("./comparisons/models.js") },
  own: { name: "Own data", load: () => import("./own.js") },
};
const HEALTH_EVERY_MS = 5_000;

const main = document.getElementById("main");
let open = null; // {name, view, leave}

function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { name: path in VIEWS ? path : "explore", params: new URLSearchParams(query) };
}

// `params`: an object; what is empty is left out. `replace`: without a step that the back button would undo.
export function go(name, params = {}, { replace = false } = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "" && value !== undefined && value !== null));
  const hash = `#/${name}${query.size ? `?${query}` : ""}`;
  if (hash === location.hash) return;
  if (replace) history.replaceState(null, "", hash); else location.hash = hash;
}

async function render() {
  const { name, params } = route();
  if (open?.name === name && open.view?.update) { open.view.update(params); return; }
  open?.leave.abort();
  const here = { name, view: null, leave: new AbortController() };
  const is_first = open === null;
  open = here;
  document.title = `${VIEWS[name].name} – streamrec`;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  try {
    const module = await VIEWS[name].load();
    if (here.leave.signal.aborted) return;
    const place = h("div", { class: `view view-${name}` });
    show(main, place);
    here.view = module.mount(place, params, { signal: here.leave.signal, go: (given, options) => go(name, given, options), goTo: go }) ?? {};
    if (!is_first) main.focus({ preventScroll: false });
  } catch (error) {
    if (!here.leave.signal.aborted) show(main, failure({ title: "The view could not be shown", detail: String(error.message ?? error) }, again));
  }
}

function again() {
  open?.leave.abort();
  open = null;
  render();
}

async function health() {
  const place = document.getElementById("health");
  if (document.hidden) return;
  let words;
  let kind = "bad";
  try {
    const state = await get("health/ready");
    [words, kind] = state.status === "ok" ? ["all parts answer", "good"] : [state.status, "fair"];
  } catch (error) {
    words = error.status === 503 ? "not ready" : "no answer";
  }
  if (place.textContent !== words) {
    place.className = `health health-${kind}`;
    show(place, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { class: "health-words" }, words));
  }
}

show(document.getElementById("views"), Object.entries(VIEWS).map(([name, view]) =>
  h("a", { href: `#/${name}`, "data-view": name }, view.name)));
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
addEventListener("hashchange", render);
document.addEventListener("visibilitychange", health);
makeFrame(again);
render();
health();
setInterval(health, HEALTH_EVERY_MS);
