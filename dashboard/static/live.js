// Live: how fast events come and reach lists, how well lists predict, and how every part is.

import { get, learnTitles } from "./api.js";
import { lineChart } from "./charts.js";
import { empty, every, failure, h, loading, moment, number, seconds, share, show, table } from "./dom.js";
import { bar, categoriesOf, itemName, sourceName } from "./lists.js";

const EVERY_MS = { status: 2_000, series: 10_000, popular: 5_000 };
const SILENT_AFTER_S = 15;
const RESOLUTIONS = { "10s": "last hour", "1m": "last day" };
const MOST_POINTS = { "10s": 360, "1m": 1440 };
const RECALLS = ["served", "popularity", "gmf", "covisitation", "followers", "again", "popular_all", "popular_week", "popular_day", "popular_hour", "popular_recent"];
const ALSO_SHOWN = 3;
const SEGMENTS = { cold: "fewer than 5 events", light: "5 to 49 events", heavy: "50 events and more" };
const REASONS = { not_json: "not JSON", does_not_fit: "does not fit the schema", bad_id: "an id that can't be", bad_timestamp: "a time that can't be",
  bad_value: "a value that can't be", too_deep: "nested too deeply", too_large: "too large", empty: "empty", null_id: "an id that is null", double_key: "a key that stands twice" };

const nameOf = { served: "lists as served", gmf: "vectors alone", popularity: "popularity" };
const recallLine = (name, n) => ({ name: `recall.${name}`, label: nameOf[name] ?? sourceName(name), on: n < ALSO_SHOWN });

export function mount(place, _params, { signal }) {
  let resolution = "10s";
  let points = { at: [], series: {}, interval_s: 10 };
  const tiles = h("dl", { class: "tiles", "aria-label": "Now" });
  const notice = h("div", { role: "status" });
  const lower = { popular: h("section", { class: "panel" }), parts: h("section", { class: "panel" }),
    blend: h("section", { class: "panel" }), rejected: h("section", { class: "panel" }) };
  const charts = [
    lineChart({ title: "Events a second", lines: [{ name: "events_per_s", label: "events a second" }], format: (value) => number(value, 1) }),
    lineChart({ title: "From an event to a list", hint: "How long ago what lists go by was written, and the part of it that waits to be read",
      lines: [{ name: "freshness_s", label: "event to list" }, { name: "lag_s", label: "not read yet" }], format: seconds }),
    lineChart({ title: "Recall at 10", hint: "Share of the last 1,000 sampled events whose item was among the ten predicted before it was learned",
      lines: RECALLS.map(recallLine), format: share }),
    lineChart({ title: "Records without effect", lines: [{ name: "rejected", label: "rejected" }, { name: "repeats", label: "repeats" }, { name: "reverts", label: "model reverts" }], format: (value) => number(value, 1) }),
  ];
  const pick = h("div", { class: "legend", role: "group", "aria-label": "Time that is shown" }, Object.entries(RESOLUTIONS).map(([name, words]) =>
    h("button", { type: "button", "data-resolution": name, "aria-pressed": String(name === resolution), onclick: () => change(name) }, words)));

  show(place, h("div", { class: "row" }, h("h1", {}, "Live"), pick), notice, tiles, h("div", { class: "charts" }, charts.map((chart) => chart.element)),
    h("div", { class: "masonry" }, lower.popular, lower.parts, lower.rejected, lower.blend));
  show(tiles, loading("the figures of now"));
  show(lower.popular, h("h2", {}, "Popular now"), loading("what is popular"));

  function change(name) {
    resolution = name;
    points = { at: [], series: {}, interval_s: 10 };
    for (const button of pick.children) button.setAttribute("aria-pressed", String(button.dataset.resolution === name));
    readSeries();
  }

  async function readStatus() {
    try {
      const status = await get("v1/status", { signal });
      showStatus(status);
    } catch (error) {
      if (signal.aborted) return;
      show(notice, failure(error, readStatus));
      show(tiles, empty("No figures", "They come back with the recommender."));
      for (const one of [lower.parts, lower.blend, lower.rejected]) show(one);
    }
  }

  function showStatus({ trainer, parts }) {
    showParts(parts, trainer);
    if (!trainer) {
      show(notice, h("p", { class: "notice" }, parts.cache === "ok" ? "No trainer has published anything yet." : "The cache does not answer: how the trainer is can't be known."));
      show(tiles, empty("No trainer yet", "Its figures stand here a second after it has begun."));
      show(lower.blend);
      show(lower.rejected);
      return;
    }
    show(notice, trainer.age_s > SILENT_AFTER_S && h("p", { class: "notice" }, `The trainer has said nothing for ${seconds(trainer.age_s)}: these are its last figures.`));
    const n = trainer.numbers;
    const rate = latest("events_per_s");
    const fresh = n.lag_s === undefined ? undefined : n.lag_s + (n.users_published_after_s ?? 0);
    const tile = (name, value, hint) => h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "faint" }, hint));
    show(tiles,
      tile("Events a second", number(rate, 1), `${number(n.n_events)} in all`),
      tile("Event to list", seconds(fresh), `${number(n.lag_events)} not read yet`),
      tile("Recall of lists", share(n["prequential.served.recall_at_10"]), `popularity ${share(n["prequential.popularity.recall_at_10"])}`),
      tile("Users", number(n.n_users), `${number(n.waiting_users)} wait to be published`),
      tile("Items", number(n.n_items), `${number(n.n_silent_items)} that nobody chose yet`),
      tile("Model reverts", number(n.model_reverts), `trainer since ${moment(trainer.started_at)}`));
    showBlend(n);
    showRejected(trainer);
  }

  function latest(name) {
    const values = (points.series[name] ?? []).filter((value) => value !== null);
    return values.at(-1);
  }

  function showParts(parts, trainer) {
    const rows = Object.entries(parts);
    const silent = trainer && trainer.age_s > SILENT_AFTER_S;
    rows.push(["trainer", trainer ? (silent ? `silent for ${seconds(trainer.age_s)}` : "ok") : "nothing known"]);
    show(lower.parts, h("h2", {}, "Parts"), table("Parts", ["Part", "State"], rows.map(([name, state]) =>
      [name, h("span", { class: `health health-${state === "ok" ? "good" : "bad"}` }, h("span", { class: "dot", "aria-hidden": "true" }), state)])),
      trainer && h("p", { class: "faint" }, `Generation ${trainer.generation}`));
  }

  function showBlend(n) {
    const of = (segment) => Object.entries(n).filter(([name]) => name.startsWith(`blend.${segment}.`)).map(([name, value]) => [name.split(".")[2], value]);
    const sources = of("cold").map(([name]) => name);
    if (!sources.length) { show(lower.blend, h("h2", {}, "Weights of the blend"), empty("Nothing learned yet")); return; }
    const weights = Object.fromEntries(Object.keys(SEGMENTS).map((segment) => [segment, Object.fromEntries(of(segment))]));
    const most = Math.max(...Object.values(weights).flatMap((one) => Object.values(one)));
    show(lower.blend, h("h2", {}, "Weights of the blend"), h("p", { class: "faint" }, `Learned from ${number(n["blend.n_learned"])} choices, by how many events a user has`),
      table("Weights of the blend", ["Source", ...Object.entries(SEGMENTS).map(([name, words]) => h("span", { title: words }, name))],
        sources.map((source) => [sourceName(source), ...Object.keys(SEGMENTS).map((segment) => {
          const value = weights[segment][source];
          return h("span", {}, share(value), bar(value ?? 0, most));
        })])));
  }

  function showRejected(trainer) {
    show(lower.rejected, h("h2", {}, "Rejected records"), trainer.rejected.length
      ? table("Rejected records", ["Why", "How many", "Last", "What was wrong with the last"],
        trainer.rejected.map((one) => [REASONS[one.reason] ?? one.reason, number(one.n), moment(one.last_at), one.message || "not told any more"]))
      : empty("None since the trainer began", `${number(trainer.numbers.n_rejected)} in all`));
  }

  async function readSeries() {
    const asked = resolution;
    try {
      const found = await get("v1/status/series", { query: { resolution: asked, since: points.at.at(-1) }, signal });
      if (asked !== resolution) return;
      points = joined(points, found, MOST_POINTS[asked]);
      for (const chart of charts) chart.draw(points);
    } catch { /* the status says what is wrong */ }
  }

  async function readPopular() {
    const head = h("h2", {}, "Popular now");
    try {
      const { items } = await get("v1/popular", { query: { k: 10 }, signal });
      learnTitles(items);
      show(lower.popular, head, items.length ? h("ol", { class: "results compact" }, items.map((item) =>
        h("li", {}, h("a", { href: `#/items?item=${encodeURIComponent(item.item_id)}` }, itemName(item)), categoriesOf(item)))) : empty("Nothing yet", "What people choose stands here."));
    } catch (error) { if (!signal.aborted) show(lower.popular, head, failure(error, readPopular)); }
  }

  every(EVERY_MS.series, signal, readSeries);
  every(EVERY_MS.status, signal, readStatus);
  every(EVERY_MS.popular, signal, readPopular);
  return { update: () => {} };
}

// What was known and what is new, no more than the ring holds.
export function joined(known, found, most) {
  const at = [...known.at, ...found.at].slice(-most);
  const n_known = known.at.length;
  const series = {};
  for (const name of new Set([...Object.keys(known.series), ...Object.keys(found.series)])) {
    const before = known.series[name] ?? new Array(n_known).fill(null);
    series[name] = [...before, ...(found.series[name] ?? new Array(found.at.length).fill(null))].slice(-most);
  }
  return { at, series, interval_s: found.interval_s };
}
