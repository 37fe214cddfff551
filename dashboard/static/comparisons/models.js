// Models: those that the laboratory compared, of the file that it wrote; read in the browser, and sent nowhere.

import { get } from "../api.js";
import { empty, h, moment, number, seconds, share, show, table } from "../dom.js";
import { bounds, intervalChart, pValue } from "./intervals.js";
import { traitsPanel } from "./traits.js";

const FORMAT = "streamrec-models-1";
const MOST_BYTES = 20_000_000;
const ACCURACY = { ndcg: "NDCG", precision: "precision", recall: "recall" };
const BEYOND = {
  catalog_coverage: "coverage: share of the catalogue that is in some list", category_diversity: "diversity: categories among a list's items",
  intra_list_similarity: "similarity within a list", personalization: "personalization: how far lists differ between users",
  avg_rec_popularity: "popularity bias: events that the listed items had", mean_inv_user_freq: "novelty: rarity of the listed items, in bits",
};
let kept = null; // of the file that was opened last: it stays while the page is open

export function mount(place, _params, { signal }) {
  const input = h("input", { type: "file", accept: ".json,application/json", id: "models-file" });
  const told = h("div", { role: "status" });
  const metric = h("select", { id: "models-metric" });
  const segment = h("select", { id: "models-segment" });
  const choose = h("div", { class: "row" }, h("label", { for: "models-metric" }, "Metric"), metric, h("label", { for: "models-segment" }, "Users"), segment);
  const chart = h("div");
  const tables = h("div", { class: "experiment-tables" });
  const served = h("div"); // beside the laboratory's diagnostics, what this recommender does
  show(place, h("h1", {}, "Models"), h("section", { class: "panel detail" },
    h("p", { class: "field" }, h("label", { for: "models-file" }, "Comparison"), input),
    h("p", { class: "faint" }, "python -m lab dashboard writes it to var/lab/dashboard/models.json; it is read here, and sent nowhere.")), told, choose, chart, tables, served);
  input.addEventListener("change", open);
  for (const one of [metric, segment]) one.addEventListener("change", draw);

  async function open() {
    const [file] = input.files;
    if (!file) return;
    try {
      if (file.size > MOST_BYTES) throw new Error(`It has ${number(file.size)} bytes; a comparison has at most ${number(MOST_BYTES)}.`);
      kept = checked(await file.text());
      showAll();
    } catch (error) {
      show(told, h("div", { class: "state state-bad", role: "alert" }, h("p", { class: "state-title" }, `${file.name} is no comparison of models`), h("p", {}, error.message)));
    }
  }

  function showAll() {
    choose.hidden = !kept;
    if (!kept) { show(told, h("div", { class: "panel" }, empty("No comparison opened", "Choose the file that the laboratory wrote."))); return; }
    const { judgement, findings } = kept;
    show(told, h("p", { class: "faint" }, `${number(judgement.n_users)} users, judged ${moment(kept.made_at)} by version ${kept.code_version}`), findings.map((words) => h("p", { class: "notice" }, words)));
    const names = metricsOf(judgement);
    show(metric, names.map((name) => h("option", { value: name }, words(name))));
    metric.value = names.find((name) => name.startsWith("ndcg")) ?? names[0];
    show(segment, h("option", { value: "" }, "all"), Object.entries(judgement.n_in_segment).map(([name, n]) => h("option", { value: name }, `${name} (${number(n)})`)));
    show(tables, section("How good", judgementTable(judgement, names.filter((name) => kindOf(name) in ACCURACY))),
      section("Diagnostics", judgementTable(judgement, names.filter((name) => kindOf(name) in BEYOND))),
      section("Time and memory", costTable(kept)), judgement.comparisons.length > 0 && section("Pairs", pairsTable(judgement)));
    draw();
  }

  function draw() {
    const name = metric.value;
    const rows = Object.entries(kept.judgement.models).map(([model, judged]) => ({ name: model, ...estimate(judged, name, segment.value) }))
      .filter((row) => row.value !== undefined).sort((one, other) => other.value - one.value);
    show(chart, rows.length ? intervalChart({ title: `${words(name)}${segment.value ? `, ${segment.value} users` : ""}`, hint: "Mean over users with its bootstrap interval; what all lists have together has none",
      rows: rows.map((row, n) => ({ ...row, isBest: n === 0 })), format: (value) => format(name, value), columns: ["Model", "Mean", "Interval"] })
      : h("div", { class: "panel" }, empty("Not known of these users", "Coverage and personalization are of all lists together.")));
  }

  async function readServed() {
    try {
      show(served, traitsPanel((await get("v1/exposures", { signal })).lists));
    } catch { /* a comparison needs no recommender that answers */ }
  }

  showAll();
  readServed();
  return { update: () => {} };
}

const kindOf = (name) => name.replace(/_at_\d+$/, "");

function words(name) {
  const kind = kindOf(name);
  return `${ACCURACY[kind] ?? BEYOND[kind]?.split(":")[0] ?? kind} at ${name.slice(kind.length + 4)}`;
}

function format(name, value) {
  if (value === null || value === undefined) return "–";
  return kindOf(name) === "catalog_coverage" ? share(value) : number(value, kindOf(name) === "avg_rec_popularity" ? 1 : 4);
}

function estimate(judged, name, segment = "") {
  const found = (segment ? judged.segments[segment] ?? {} : judged.metrics)[name];
  if (found) return { value: found.mean, interval: [found.low, found.high] };
  return segment ? {} : { value: judged[kindOf(name)]?.[name.slice(kindOf(name).length + 4)] };
}

function metricsOf(judgement) {
  const names = new Set();
  for (const judged of Object.values(judgement.models)) {
    for (const name of Object.keys(judged.metrics)) names.add(name);
    for (const kind of ["catalog_coverage", "personalization"]) for (const k of Object.keys(judged[kind])) names.add(`${kind}_at_${k}`);
  }
  return [...names].filter((name) => kindOf(name) in ACCURACY || kindOf(name) in BEYOND);
}

function judgementTable(judgement, names) {
  const caption = names.some((name) => kindOf(name) in ACCURACY) ? "How good" : "Diagnostics";
  return table(caption, ["Model", ...names.map((name) => h("span", { title: BEYOND[kindOf(name)] }, words(name)))], Object.entries(judgement.models).map(([model, judged]) => [model, ...names.map((name) => {
    const { value, interval } = estimate(judged, name);
    return h("span", {}, format(name, value), interval && h("span", { class: "faint" }, ` ${bounds(interval, (one) => format(name, one))}`));
  })]));
}

function costTable({ judgement, training }) {
  return table("Time and memory", ["Model", "Training", "Processor time", "Events a second", "Peak memory", "Users without a list of its own"], Object.entries(judgement.models).map(([model, judged]) => {
    const cost = training[model] ?? {};
    return [model, seconds(cost.fit_s), seconds(cost.fit_cpu_s), number(cost.events_per_s), cost.peak_bytes === undefined ? "–" : `${number(cost.peak_bytes / 2 ** 20)} MiB`, number(judged.n_without_list)];
  }));
}

function pairsTable(judgement) {
  return table("Pairs", ["Model", "Exceeds", "In", "By", "Interval", "p after Holm"], judgement.comparisons.map((one) =>
    [one.model, one.other, words(one.metric), number(one.difference, 4), bounds([one.low, one.high], (value) => number(value, 4)), pValue(one.p_value)]));
}

function section(title, inside) { return h("section", { class: "panel" }, h("h2", {}, title), inside); }

// Contents of a file that are a comparison; the complaint names what is missing.
function checked(text) {
  let found;
  try { found = JSON.parse(text); } catch { throw new Error("It is not JSON."); }
  if (found?.format !== FORMAT) throw new Error(`Its format is not ${FORMAT}: take models.json of python -m lab dashboard.`);
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const { judgement } = found;
  const isWhole = isObject(judgement) && isObject(judgement.models) && isObject(judgement.n_in_segment) && Array.isArray(judgement.comparisons) && isObject(found.training) && Array.isArray(found.findings)
    && Object.values(judgement.models).every((one) => isObject(one) && ["metrics", "segments", "catalog_coverage", "personalization"].every((name) => isObject(one[name])));
  if (!isWhole) throw new Error("Parts of it are missing: make it anew with python -m lab dashboard.");
  if (!metricsOf(judgement).length) throw new Error("It compares no models.");
  return found;
}
