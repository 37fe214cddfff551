// Line charts in SVG, each with a table of the same figures behind it.

import { h, moment, s, show, table } from "./dom.js";

const HEIGHT = 176;
const MARGIN = { left: 46, right: 10, top: 10, bottom: 20 };
const TICKS = [1, 2, 2.5, 5, 10];
const LABEL_EVERY_PX = 110;
const A_DAY_S = 86_400 * 1.1;
const HOURS = { hour: "2-digit", minute: "2-digit" };
const DAYS = { day: "numeric", month: "short" };

// The nearest round numbers around `lowest` (0 or less) and `highest`, and a step that divides them.
function scale(lowest, highest) {
  const range = highest - lowest;
  if (!(range > 0)) return { least: 0, most: 1, step: 0.5 };
  const unit = 10 ** Math.floor(Math.log10(range / 3));
  const step = TICKS.map((tick) => tick * unit).find((tick) => tick * 4 >= range) ?? 10 * unit;
  return { least: Math.floor(lowest / step) * step, most: Math.ceil(highest / step) * step, step };
}

// Pieces of a line: a gap where a figure was not known, or where points are missing.
function pathOf(at, values, x, y, interval) {
  let path = "";
  let last = -Infinity;
  values.forEach((value, n) => {
    if (value === null || value === undefined) return;
    const point = `${x(at[n]).toFixed(1)} ${y(value).toFixed(1)}`;
    path += at[n] - last > 2.5 * interval ? `M${point}h.01` : `L${point}`; // a piece of one point is a dot
    last = at[n];
  });
  return path;
}

// `lines`: [{name, label, on}]; `format`: a figure as text. Returns {element, draw({at, series, interval_s})}.
export function lineChart({ title, hint, lines, format }) {
  const shown = new Set(lines.filter((line) => line.on !== false).map((line) => line.name));
  const svg = s("svg", { role: "img", "aria-label": `${title}: no figures yet`, preserveAspectRatio: "none" });
  const reading = h("p", { class: "reading" });
  const legend = lines.length > 1 && h("div", { class: "legend", role: "group", "aria-label": `Lines of ${title}` }, lines.map((line, n) => {
    const button = h("button", { type: "button", "aria-pressed": String(shown.has(line.name)), onclick: () => {
      if (shown.has(line.name)) shown.delete(line.name); else shown.add(line.name);
      button.setAttribute("aria-pressed", String(shown.has(line.name)));
      paint();
    } }, h("span", { class: `swatch c${(n % 7) + 1}` }), line.label);
    return button;
  }));
  const rows = h("div");
  const behind = h("details", {}, h("summary", {}, "Table"), rows);
  behind.addEventListener("toggle", fillTable);
  const element = h("figure", { class: "panel chart" },
    h("figcaption", {}, h("h2", {}, title), hint && h("p", { class: "faint" }, hint)), legend, svg, reading, behind);
  let data = { at: [], series: {}, interval_s: 10 };
  let geometry = null;

  function visible() { return lines.map((line, n) => ({ ...line, colour: (n % 7) + 1 })).filter((line) => shown.has(line.name) && data.series[line.name]); }

  function paint() {
    const width = Math.max(220, svg.clientWidth || element.clientWidth - 32 || 480);
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const { at, series, interval_s } = data;
    geometry = null;
    if (!at.length) {
      show(svg, s("text", { x: width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "No figures yet"));
      return;
    }
    const drawn = visible();
    const values = drawn.flatMap((line) => series[line.name].filter((value) => value !== null && value !== undefined));
    const { least, most, step } = scale(Math.min(0, ...values), Math.max(0, ...values));
    const [first, last] = [at[0], Math.max(at.at(-1), at[0] + interval_s)];
    const x = (time) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * (time - first)) / (last - first);
    const y = (value) => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * (value - least)) / (most - least);
    const grid = [];
    for (let n = 0; least + n * step <= most + step / 2; n += 1) {
      const value = least + n * step;
      grid.push(s("line", { class: Math.abs(value) < step / 2 && least < 0 ? "grid zero" : "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
        s("text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)));
    }
    const n_labels = Math.max(2, Math.floor(width / LABEL_EVERY_PX));
    for (let n = 0; n < n_labels; n += 1) {
      const time = first + ((last - first) * n) / (n_labels - 1);
      grid.push(s("text", { x: x(time), y: HEIGHT - 4, "text-anchor": n === 0 ? "start" : n === n_labels - 1 ? "end" : "middle" },
        new Date(time * 1000).toLocaleString("en-GB", last - first < A_DAY_S ? HOURS : DAYS)));
    }
    const cursor = s("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
    show(svg, grid, drawn.map((line) => s("path", { class: `c${line.colour}`, d: pathOf(at, series[line.name], x, y, interval_s) })), cursor);
    svg.setAttribute("aria-label", `${title}. ${describe(at.length - 1)}`);
    geometry = { x, cursor, width };
    tell(at.length - 1);
    if (behind.open) fillTable();
  }

  function describe(n) {
    const said = visible().map((line) => `${line.label} ${format(data.series[line.name][n])}`);
    return `${moment(data.at[n])}: ${said.join(", ") || "nothing chosen"}`;
  }

  function tell(n) { show(reading, describe(n)); }

  function point(event) {
    if (!geometry) return;
    const box = svg.getBoundingClientRect();
    const where = ((event.clientX - box.left) * geometry.width) / box.width;
    let nearest = 0;
    data.at.forEach((time, n) => { if (Math.abs(geometry.x(time) - where) < Math.abs(geometry.x(data.at[nearest]) - where)) nearest = n; });
    const at = geometry.x(data.at[nearest]);
    geometry.cursor.setAttribute("x1", at); geometry.cursor.setAttribute("x2", at); geometry.cursor.setAttribute("visibility", "visible");
    tell(nearest);
  }

  function leave() {
    if (!geometry) return;
    geometry.cursor.setAttribute("visibility", "hidden");
    tell(data.at.length - 1);
  }

  function fillTable() {
    if (!behind.open) return;
    const columns = lines.filter((line) => data.series[line.name]);
    show(rows, table(title, ["Time", ...columns.map((line) => line.label)],
      data.at.map((time, n) => [moment(time), ...columns.map((line) => format(data.series[line.name][n]))]).reverse()));
  }

  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerleave", leave);
  new ResizeObserver(paint).observe(element);
  return { element, draw: (given) => { data = given; paint(); } };
}
