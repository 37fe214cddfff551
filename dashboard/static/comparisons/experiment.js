// One experiment: its verdict, who gets what, uplifts with their intervals over time, and what guards it.

import { lineChart } from "../charts.js";
import { empty, h, moment, number, seconds, share, show, table } from "../dom.js";
import { bar, factList } from "../lists.js";
import { bounds, difference, intervalChart, mean, metricName, ofAll, pValue, relative } from "./intervals.js";

const DECISIONS = { ship: "good", "roll back": "bad", "keep running": "fair" };

// `acts`: {ramp(definition), stop(definition)}. Returns {element, id, draw(answer, mayChange), forget()}.
export function makeDetail(acts) {
  const place = Object.fromEntries(["head", "verdict", "tiles", "now", "charts", "tables"].map((name) => [name, h("div", { class: `experiment-${name}` })]));
  const pick = h("select", { id: "experiment-metric" });
  const picker = h("div", { class: "row" }, h("label", { for: "experiment-metric" }, "Uplift in"), pick);
  const element = h("div", { class: "detail" }, place.head, place.verdict, place.tiles, picker, place.now, place.charts, place.tables);
  const made = { element, id: null, draw, forget: () => { made.id = null; told = ""; } };
  let charts = new Map(); // variant -> chart
  let told = "";
  let answer = null;
  pick.addEventListener("change", drawUplifts);

  function draw(given, mayChange) {
    const text = JSON.stringify([given, mayChange]);
    if (text === told) return;
    // What somebody is reading by keyboard stays until they leave it.
    if (made.id === given.definition.id && [place.tables, place.now].some((one) => one.contains(document.activeElement))) return;
    answer = given;
    told = text;
    if (made.id !== given.definition.id) {
      made.id = given.definition.id;
      charts = new Map();
      show(place.charts);
      show(pick);
    }
    const { definition, results } = given;
    showHead(definition, mayChange);
    showVerdict(definition, results);
    for (const one of [place.tiles, place.tables]) show(one);
    const isDraft = definition.state === "draft";
    picker.hidden = isDraft || !results?.comparisons.length;
    if (isDraft || !results) {
      show(place.now, h("div", { class: "panel" }, empty("No results yet", isDraft ? "It has not begun: nobody takes part in a draft."
        : "They come with the first list that is shown; python -m streamrec attribution works them out.")));
      show(place.charts);
      show(place.tables, h("section", { class: "panel" }, h("h2", {}, "Who gets what"), variantsTable(definition, null)));
      return;
    }
    showTiles(results);
    fillPick(definition, results);
    drawUplifts();
    show(place.tables, [
      section("Who gets what", variantsTable(definition, results)),
      results.comparisons.length > 0 && section("Uplift over the control", comparisonsTable(results)),
      section("Journey", h("p", { class: "faint" }, "Items shown, and what became of them"), journeyTable(results)),
      results.interleaving && section("Mixed lists", interleavingOf(results.interleaving)),
      results.guardrails.length > 0 && section("Guardrails", guardrailsTable(results)),
    ]);
  }

  function showHead(definition, mayChange) {
    const audience = Object.entries(definition.audience).map(([name, values]) => `${name}: ${values.slice(0, 5).join(", ")}${values.length > 5 ? ` and ${values.length - 5} more` : ""}`).join("; ");
    show(place.head, h("section", { class: "panel detail" },
      h("div", { class: "row" }, h("h2", { class: "id" }, definition.id), h("span", { class: `tag tag-${definition.state}` }, definition.state)),
      factList([
        ["Users", `${number(definition.ramp, 2)} % of the slice ${number(definition.slice[0], 2)} to ${number(definition.slice[1], 2)} % of layer ${definition.layer}`],
        ["Audience", audience || "everybody"],
        ["Design", definition.design === "ab" ? "A/B: a user gets one variant's lists" : "interleaved: each list mixes all variants"],
        ["Decides", `${metricName(definition.primary)} (${definition.primary})`],
        ["Times", `answers within ${seconds(definition.window_s)}, outcomes of ${seconds(definition.outcome_s)}`],
        ["Version", `${definition.version}, changed ${moment(definition.changed_at)}; counts since version ${definition.era}`],
        ["Stopped", definition.stopped_at && `${moment(definition.stopped_at)} by ${definition.stopped_by ?? "somebody"}${definition.reason ? `: ${definition.reason}` : ""}`],
      ], {}),
      definition.state === "running" && (mayChange ? h("div", { class: "row" },
        h("button", { type: "button", onclick: () => acts.ramp(definition) }, "Ramp"),
        h("button", { type: "button", class: "danger", onclick: () => acts.stop(definition) }, "Stop"))
        : h("p", { class: "faint" }, "Only an admin key can ramp or stop it."))));
  }

  function showVerdict(definition, results) {
    const verdict = results?.verdict ?? definition.verdict;
    const notices = [];
    if (results?.sample_ratio.alarm) notices.push("The variants do not have users by their weights: believe nothing until it is known why.");
    if (results?.n_multiple_exposed) notices.push(`${number(results.n_multiple_exposed)} users were shown several variants, and are left out.`);
    if (results && results.era !== definition.era) notices.push("The definition has changed since: counts begin again.");
    if (results && !results.users) notices.push("Nobody has been shown a list of it yet.");
    show(place.verdict, verdict && h("section", { class: `panel verdict verdict-${DECISIONS[verdict.decision] ?? "fair"}` },
      h("h2", {}, verdict.decision === "keep running" ? "Keep running" : `${verdict.decision === "ship" ? "Ship" : "Roll back"} ${verdict.variant}`), h("p", {}, verdict.reason)),
      notices.map((words) => h("p", { class: "notice", role: "status" }, words)));
  }

  function showTiles(results) {
    const tile = (name, value, hint) => h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "faint" }, hint));
    const complete = results.variants.reduce((n, one) => n + Math.max(0, ...Object.values(one.metrics).map((metric) => metric.n)), 0);
    show(place.tiles, h("dl", { class: "tiles", "aria-label": "In all" },
      tile("Users", number(results.users), `${number(complete)} with a complete outcome`),
      tile("Lists shown", number(results.exposures), `as of ${moment(results.at)}`),
      tile("Sample ratio", results.sample_ratio.alarm ? "alarm" : "fits", `p ${pValue(results.sample_ratio.p_value)}; alarm below .001`),
      tile("Guardrails", results.guardrails.length ? (results.guardrails.some((one) => one.state === "broken") ? "broken" : "kept") : "none", `${results.guardrails.length} watched`)));
  }

  function fillPick(definition, results) {
    const names = [...new Set(results.comparisons.map((one) => one.metric))];
    if (names.join() === [...pick.options].map((option) => option.value).join()) return;
    const before = pick.value;
    show(pick, names.map((name) => h("option", { value: name }, `${metricName(name)} (${name})`)));
    pick.value = names.includes(before) ? before : names.includes(definition.primary) ? definition.primary : names[0] ?? "";
  }

  function drawUplifts() {
    const metric = pick.value;
    const compared = answer.results.comparisons.filter((one) => one.metric === metric);
    const format = (value) => difference(metric, value);
    show(place.now, compared.length > 0 && intervalChart({ title: `Uplift in ${metricName(metric)} now`, hint: "With the confidence sequence, which holds at any time of reading",
      rows: compared.map((one) => ({ name: one.variant, value: one.uplift, interval: one.confidence_sequence, isBest: one.is_significant })), format, columns: ["Variant", "Uplift", "Confidence sequence"] }));
    for (const one of compared) {
      const known = charts.get(one.variant);
      const chart = known?.metric === metric ? known : { metric, ...lineChart({ title: `${one.variant}: uplift in ${metricName(metric)} over time`,
        hint: "Uplift over the control, between the bounds of its confidence sequence",
        lines: [{ name: "uplift", label: "uplift" }, { name: "high", label: "upper bound" }, { name: "low", label: "lower bound" }], format }) };
      charts.set(one.variant, chart);
    }
    const elements = compared.map((one) => charts.get(one.variant).element);
    if (elements.length !== place.charts.childElementCount || elements.some((one, n) => one !== place.charts.children[n])) show(place.charts, elements);
    for (const one of compared) charts.get(one.variant).draw(pointsOf(one.sequence));
  }

  return made;
}

// Points of a confidence sequence as a line chart takes them; what lies between two of them is no gap.
function pointsOf(sequence) {
  const at = sequence.map((point) => point[0]);
  const apart = at.slice(1).map((time, n) => time - at[n]);
  const column = (n) => sequence.map((point) => point[n]);
  return { at, series: { low: column(1), uplift: column(2), high: column(3) }, interval_s: Math.max(1, ...apart) };
}

function section(title, ...inside) { return h("section", { class: "panel" }, h("h2", {}, title), inside.flat(2)); }

function changesOf(changes) {
  const words = Object.entries(changes).map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(", ") : value}`);
  return words.join("; ") || "as without it";
}

function variantsTable(definition, results) {
  const weights = definition.variants.reduce((sum, one) => sum + one.weight, 0);
  const metrics = [...new Set((results?.variants ?? []).flatMap((one) => Object.keys(one.metrics)))];
  const columns = ["Variant", "Changes", "Share wanted", ...(results ? ["Users", "Share there is", "Lists", ...metrics] : [])];
  const allUsers = (results?.variants ?? []).reduce((sum, one) => sum + one.n_users, 0);
  return table("Who gets what", columns, definition.variants.map((variant) => {
    const found = results?.variants.find((one) => one.name === variant.name);
    const wanted = [variant.name === definition.control ? `${variant.name} (control)` : variant.name, changesOf(variant.changes), share(variant.weight / weights)];
    if (!results) return wanted;
    return [...wanted, number(found?.n_users ?? 0), ofAll(found?.n_users ?? 0, allUsers), number(found?.n_exposures ?? 0), ...metrics.map((metric) => {
      const one = found?.metrics[metric];
      return h("span", {}, mean(metric, one?.mean), one?.interval && h("span", { class: "faint" }, ` ${bounds(one.interval, (value) => mean(metric, value))}`));
    })];
  }));
}

// Impression, click, purchase: each as a share of what was shown.
function journeyTable(results) {
  const rows = Object.entries(results.funnel);
  const most = Math.max(0, ...rows.flatMap(([, one]) => [one.clicks, one.purchases].map((n) => n / (one.impressions || 1))));
  const step = (n, all) => h("span", {}, `${number(n)} (${ofAll(n, all)})`, bar(all ? n / all : 0, most, `${ofAll(n, all)} of what was shown`));
  return table("Journey", ["Variant", "Shown", "Clicked", "Bought"], rows.map(([name, one]) => [name, number(one.impressions), step(one.clicks, one.impressions), step(one.purchases, one.impressions)]));
}

function comparisonsTable(results) {
  return table("Uplift over the control", ["Variant", "Metric", "Uplift", "In percent", "At any time", "p", "One look", "p of one look", "CUPED leaves", "Would find"],
    results.comparisons.map((one) => {
      const format = (value) => difference(one.metric, value);
      return [one.variant, one.metric, h("span", {}, format(one.uplift), one.is_significant && h("span", { class: "tag" }, "significant")),
        h("span", {}, relative(one.relative_uplift), one.relative_interval && h("span", { class: "faint" }, ` ${bounds(one.relative_interval, relative)}`)),
        bounds(one.confidence_sequence, format), pValue(one.p_value), bounds(one.fixed, format), pValue(one.fixed_p_value), `${share(one.cuped_ratio)} of the variance`, format(one.detectable)];
    }));
}

function interleavingOf(found) {
  const all = Object.values(found.wins).reduce((sum, n) => sum + n, 0) + found.ties;
  return [
    h("p", {}, found.win_rate === null ? "Nobody prefers a variant yet." : `${share(found.win_rate)} of the users who prefer ${found.variant} or the control prefer ${found.variant} (${bounds(found.interval, share)}).`),
    h("p", { class: "faint" }, `Credit a user: ${found.credit_uplift === null ? "–" : difference("clicks", found.credit_uplift)} (${bounds(found.credit_interval, (value) => difference("clicks", value))}), p ${pValue(found.p_value)}${found.is_significant ? ", significant" : ""}`),
    table("Wins in mixed lists", ["Variant", "Users who prefer it", "Share"], [...Object.entries(found.wins), ["no preference", found.ties]].map(([name, n]) => [name, number(n), ofAll(n, all)])),
  ];
}

function guardrailsTable(results) {
  return table("Guardrails", ["Metric", "Variant", "State", "Beyond what is allowed"], results.guardrails.map((one) => [one.metric, one.variant,
    h("span", { class: `health health-${one.state === "ok" ? "good" : "bad"}` }, h("span", { class: "dot", "aria-hidden": "true" }), one.state === "ok" ? "kept" : "broken"),
    bounds(one.excess, (value) => difference(one.metric, value))]));
}
