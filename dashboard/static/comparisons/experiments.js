// Experiments: all of them, and of one who gets what, what came of it, and what to do; stopped and ramped here.

import { call, get, segment } from "../api.js";
import { ask, empty, every, failure, h, later, loading, show } from "../dom.js";
import { makeDetail } from "./experiment.js";

const EVERY_MS = 10_000;
const TYPING_MS = 150;
const STATES = { running: "running", draft: "draft", stopped: "stopped" };
const ORDER = ["running", "draft", "stopped"];
const MOST_WORDS = 1000;

export function mount(place, params, { signal, go }) {
  let shown = read(params);
  let all = null; // {experiments, broken}
  const results = h("div", { class: "results", role: "region", "aria-label": "Experiments found" });
  const broken = h("div");
  const detail = h("div", { class: "detail" });
  const input = h("input", { id: "experiment-text", type: "search", autocomplete: "off", spellcheck: "false", maxlength: 64, placeholder: "part of an id" });
  const state = h("select", { id: "experiment-state" }, h("option", { value: "" }, "all states"), Object.entries(STATES).map(([value, words]) => h("option", { value }, words)));
  const filter = () => go({ text: input.value, state: state.value, id: shown.id }, { replace: true }) ?? list();
  input.addEventListener("input", later(async () => filter(), TYPING_MS));
  state.addEventListener("change", filter);
  const open = (id) => go({ text: input.value, state: state.value, id });
  const experiment = makeDetail({ ramp, stop });

  show(place, h("h1", {}, "Experiments"),
    h("form", { class: "search", role: "search", onsubmit: (event) => event.preventDefault() },
      h("label", { for: "experiment-text" }, "Search"), input, h("label", { class: "unseen", for: "experiment-state" }, "State"), state),
    h("div", { class: "split split-narrow" }, h("section", { class: "panel", "aria-label": "List" }, results, broken), detail));
  show(results, loading("the experiments"));

  async function readAll() {
    try {
      all = await get("v1/experiments", { signal });
      list();
    } catch (error) { if (!signal.aborted) { all = null; show(results, failure(error, readAll)); show(broken); } }
  }

  function list() {
    shown = { ...shown, text: input.value, state: state.value };
    if (!all) return;
    const found = all.experiments.filter((one) => one.id.includes(shown.text.trim().toLowerCase()) && (!shown.state || one.state === shown.state))
      .sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || (one.id < other.id ? -1 : 1));
    if (!results.contains(document.activeElement) || !results.querySelector("li")) showFound(found); else if (told(found) !== results.dataset.told) keepFocus(found);
    const problems = Object.entries(all.broken);
    show(broken, problems.length > 0 && h("section", { class: "notice" }, h("h2", {}, "Can't be read, and not applied"),
      h("ul", {}, problems.map(([id, why]) => h("li", {}, h("span", { class: "id" }, id), `: ${why}`)))));
  }

  const told = (found) => JSON.stringify(found.map((one) => [one.id, one.state, one.ramp, one.id === shown.id]));

  function keepFocus(found) {
    const { id } = document.activeElement.dataset;
    showFound(found);
    [...results.querySelectorAll("button")].find((button) => button.dataset.id === id)?.focus();
  }

  function showFound(found) {
    if (results.dataset.told === told(found) && results.querySelector("li")) return;
    results.dataset.told = told(found);
    if (!found.length) {
      show(results, all.experiments.length ? empty("No such experiment", "None has this id and state.")
        : empty("No experiments yet", "python -m streamrec experiment create FILE, or PUT /v1/experiments/{id}"));
      return;
    }
    show(results, h("p", { class: "faint", role: "status" }, `${found.length} of ${all.experiments.length}`), h("ul", {}, found.map((one) => h("li", {},
      h("span", { class: "row" }, h("button", { type: "button", class: "link id", "data-id": one.id, "aria-current": one.id === shown.id ? "true" : null, onclick: () => open(one.id) }, one.id),
        h("span", { class: `tag tag-${one.state}` }, one.state)),
      h("span", { class: "faint" }, `${one.variants.length} variants · ${one.design === "ab" ? "A/B" : "interleaved"} · ramp ${one.ramp} %`)))));
  }

  async function readOne() {
    const { id } = shown;
    if (!id) { show(detail, h("div", { class: "panel" }, empty("No experiment chosen", "Open one of the list."))); return; }
    if (experiment.id !== id) show(detail, h("div", { class: "panel" }, loading("the experiment")));
    try {
      const [answer, status] = await Promise.all([get(`v1/experiments/${segment(id)}`, { signal }), get("v1/status", { signal }).catch(() => null)]);
      if (id !== shown.id) return;
      experiment.draw(answer, status?.may_change ?? true);
      if (detail.firstChild !== experiment.element || detail.childElementCount > 1) show(detail, experiment.element);
    } catch (error) {
      if (signal.aborted || id !== shown.id) return;
      experiment.forget();
      show(detail, h("div", { class: "panel" }, error.kind === "missing" ? empty(`There is no experiment ${id}`, "It was deleted, or never there.") : failure(error, readOne)));
    }
  }

  async function change(path, body) {
    const { id } = shown;
    try {
      await call("POST", `v1/experiments/${segment(id)}/${path}`, { body, signal });
      await Promise.all([readOne(), readAll()]);
    } catch (error) { if (!signal.aborted) detail.prepend(failure(error)); }
  }

  async function ramp(definition) {
    const given = await ask({ title: `Ramp of ${definition.id}`, confirm: "Ramp",
      text: "Percent of the slice's users that take part from now on. More come in, and nobody changes to another variant.",
      fields: [{ name: "percent", label: "Percent, 0 to 100", value: String(definition.ramp) }],
      check: ({ percent }) => (percent.trim() !== "" && Number(percent) >= 0 && Number(percent) <= 100 ? "" : "That is no number from 0 to 100.") });
    if (given) await change("ramp", { percent: Number(given.percent) });
  }

  async function stop(definition) {
    const given = await ask({ title: `Stop ${definition.id}?`, confirm: "Stop", danger: true,
      text: "Within a second everybody is answered as without it. Its results stay.",
      fields: [{ name: "reason", label: "Reason, for those who read of it later" }],
      check: ({ reason }) => (reason.length <= MOST_WORDS ? "" : `At most ${MOST_WORDS} characters.`) });
    if (given) await change("stop", { reason: given.reason });
  }

  function update(given) {
    const before = shown;
    shown = read(given);
    if (shown.text !== input.value) input.value = shown.text;
    state.value = shown.state;
    list();
    if (shown.id !== before.id) readOne();
  }

  input.value = shown.text;
  state.value = shown.state;
  every(EVERY_MS, signal, () => Promise.all([readAll(), readOne()]));
  return { update };
}

function read(params) {
  const state = params.get("state") ?? "";
  return { text: params.get("text") ?? "", state: state in STATES ? state : "", id: params.get("id") ?? "" };
}
