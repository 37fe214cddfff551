// Figures with their intervals: as words, and as rows around a common zero, with a table of the same figures behind.

import { h, number, s, share, table } from "../dom.js";

const WIDTH = 100;
const HEIGHT = 12;
const RATES = new Set(["ctr", "purchase_rate"]);

// Words of a metric of users.
export const METRICS = { ctr: "click rate of lists", clicks: "clicks a user", purchases: "purchases a user",
  purchase_rate: "users who bought", value: "value a user", depth: "events a session" };

export function metricName(metric) { return METRICS[metric] ?? metric; }

export function mean(metric, value) {
  if (value === null || value === undefined) return "–";
  return RATES.has(metric) ? `${number(value * 100, 2)} %` : number(value, 3);
}

function signed(value, digits) { return `${value > 0 ? "+" : ""}${number(value, digits)}`; }

// A difference of means: of rates in percentage points.
export function difference(metric, value) {
  if (value === null || value === undefined) return "–";
  return RATES.has(metric) ? `${signed(value * 100, 2)} pp` : signed(value, 3);
}

export function relative(value) { return value === null || value === undefined ? "–" : `${signed(value * 100, 1)} %`; }

export function bounds(pair, format) { return pair ? `${format(pair[0])} to ${format(pair[1])}` : "not known yet"; }

export function pValue(value) {
  if (value === null || value === undefined) return "–";
  return value < 0.0001 ? "< .0001" : number(value, 4);
}

// `rows`: [{name, value, interval, isBest}], `format`: a figure as text; `columns`: heads of the table behind.
export function intervalChart({ title, hint, rows, format, columns }) {
  const known = rows.filter((row) => row.interval);
  const low = Math.min(0, ...known.map((row) => row.interval[0]));
  const high = Math.max(0, ...known.map((row) => row.interval[1]));
  const x = (value) => 2 + ((WIDTH - 4) * (value - low)) / (high - low || 1);
  const line = (row) => s("svg", { role: "img", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-label": `${row.name}: ${format(row.value)}, ${bounds(row.interval, format)}` },
    s("line", { class: "grid zero", x1: x(0), x2: x(0), y1: 0, y2: HEIGHT }),
    row.interval && s("rect", { class: "interval-range", x: x(row.interval[0]), width: Math.max(0.3, x(row.interval[1]) - x(row.interval[0])), y: 4, height: 4 }),
    row.value !== null && row.value !== undefined && row.interval && s("rect", { class: "interval-middle", x: x(row.value) - 0.4, width: 0.8, y: 1, height: 10 }));
  return h("figure", { class: "panel chart intervals" },
    h("figcaption", {}, h("h2", {}, title), hint && h("p", { class: "faint" }, hint)),
    h("ul", {}, rows.map((row) => h("li", {}, h("span", { class: row.isBest ? "interval-best" : null }, row.name), line(row), h("span", { class: "faint" }, format(row.value))))),
    h("details", {}, h("summary", {}, "Table"), table(title, columns, rows.map((row) => [row.name, format(row.value), bounds(row.interval, format)]))));
}

// A count as a share of another, in words.
export function ofAll(n, all) { return all ? share(n / all) : "–"; }
