// Journey: what became of items that were shown, by segment and source, and what the lists of lately are like.

import { get } from "./api.js";
import { traitsPanel } from "./comparisons/traits.js";
import { empty, every, failure, h, loading, moment, number, share, show, table } from "./dom.js";
import { bar, sourceName } from "./lists.js";

const EVERY_MS = 10_000;
const SEGMENTS = { cold: "fewer than 5 events", light: "5 to 49 events", heavy: "50 events and more", other: "batches and lists made beforehand" };
const STEPS = [{ name: "shown", label: "Shown" }, { name: "chosen", label: "Clicked" }, { name: "bought", label: "Bought" }];

export function mount(place, _params, { signal }) {
  const body = h("div", { class: "journey" });
  let told = "";
  show(place, h("h1", {}, "Journey"), body);
  show(body, loading("what was shown"));

  async function read() {
    try {
      draw(await get("v1/exposures", { signal }));
    } catch (error) {
      if (signal.aborted) return;
      told = "";
      show(body, failure(error, read));
    }
  }

  function draw(answer) {
    const text = JSON.stringify(answer);
    // What somebody is reading by keyboard, or has opened, stays until they leave it.
    if (text === told || (told && (body.contains(document.activeElement) || body.querySelector("details[open]")))) return;
    told = text;
    const whole = sum(answer.journey);
    show(body, whole.shown ? [
      funnel("Everybody", `What was in lists for users since ${moment(answer.since)}, and what the same user did with it within an hour`, [{ name: "all", ...whole }], "Users"),
      funnel("By segment", "By how many events the user had when the list was made", grouped(answer.journey, "segment", Object.keys(SEGMENTS)).map((row) => ({ ...row, hint: SEGMENTS[row.name] })), "Segment"),
      funnel("By source", "By what proposed the item", grouped(answer.journey, "source").map((row) => ({ ...row, name: sourceName(row.name) })), "Source"),
    ] : h("div", { class: "panel" }, empty("Nothing was shown within a day", "Lists for users who are named, and what follows them, stand here ten seconds later.")), traitsPanel(answer.lists));
  }

  every(EVERY_MS, signal, read);
  return { update: () => {} };
}

function sum(rows) {
  return Object.fromEntries(STEPS.map(({ name }) => [name, rows.reduce((n, row) => n + row[name], 0)]));
}

// Rows of the same segment or source together; in a given order, or the most shown first.
function grouped(rows, by, order) {
  const names = [...new Set(rows.map((row) => row[by]))];
  const found = names.map((name) => ({ name, ...sum(rows.filter((row) => row[by] === name)) }));
  return found.sort(order ? (one, other) => order.indexOf(one.name) - order.indexOf(other.name) : (one, other) => other.shown - one.shown);
}

// A funnel of each row: a bar for each step, all of them on one scale; a table of the figures behind.
function funnel(title, hint, rows, head) {
  const of = (row, step) => (row.shown ? row[step] / row.shown : 0);
  const most = Math.max(...rows.map((row) => row.shown));
  const words = (row, step) => (step === "shown" ? number(row.shown) : `${number(row[step])} (${share(of(row, step))})`);
  return h("figure", { class: "panel chart funnel" }, h("figcaption", {}, h("h2", {}, title), h("p", { class: "faint" }, hint)),
    h("ul", {}, rows.map((row) => h("li", {}, h("span", { class: "funnel-name", title: row.hint ?? null }, row.name),
      h("ol", {}, STEPS.map(({ name, label }) => h("li", {}, h("span", { class: "faint" }, label), bar(row[name], most, `${label}: ${words(row, name)}`), h("span", {}, words(row, name)))))))),
    h("details", {}, h("summary", {}, "Table"), table(title, [head, "Shown", "Clicked", "of shown", "Bought", "of shown", "of clicked"], rows.map((row) =>
      [row.hint ? `${row.name} (${row.hint})` : row.name, number(row.shown), number(row.chosen), share(of(row, "chosen")), number(row.bought), share(of(row, "bought")), row.chosen ? share(row.bought / row.chosen) : "–"]))));
}
