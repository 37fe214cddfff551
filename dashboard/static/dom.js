// Elements made of text and attributes alone: nothing that comes from the API is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(made, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") made[name] = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

export function show(place, ...children) {
  place.replaceChildren(...children.flat(2).filter(Boolean));
}

export function loading(what) {
  return h("p", { class: "state", role: "status", "aria-busy": "true" }, `Loading ${what} ...`);
}

export function empty(title, hint) {
  return h("div", { class: "state" }, h("p", { class: "state-title" }, title), hint && h("p", {}, hint));
}

export function failure(error, again) {
  const retry = again && h("button", { type: "button", onclick: again }, "Try again");
  const key = ["key", "forbidden"].includes(error.kind) && h("button", { type: "button", onclick: askForKey }, "Enter a key");
  return h("div", { class: "state state-bad", role: "alert" },
    h("p", { class: "state-title" }, error.title ?? "Something went wrong"),
    h("p", {}, error.detail ?? String(error.message ?? error)),
    h("p", { class: "row" }, key, retry));
}

export function askForKey() {
  document.getElementById("key-button").click();
}

// A dialog that returns what was typed, or null. `fields`: [{name, label, type, value}].
export function ask({ title, text, fields = [], confirm, danger = false, check = () => "" }) {
  const dialog = document.getElementById("dialog");
  return new Promise((resolve) => {
    const inputs = Object.fromEntries(fields.map((field) => [field.name, h("input", {
      type: field.type ?? "text", value: field.value ?? "", autocomplete: "off", spellcheck: "false", id: `ask-${field.name}`,
    })]));
    const complaint = h("p", { class: "complaint", role: "alert" });
    const given = () => Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    const end = (value) => { dialog.close(); show(dialog); resolve(value); };
    const submit = (event) => {
      event.preventDefault();
      const wrong = check(given());
      if (wrong) show(complaint, wrong); else end(given());
    };
    show(dialog, h("form", { onsubmit: submit },
      h("h2", { id: "dialog-title" }, title), h("p", {}, text),
      fields.map((field) => h("p", { class: "field" }, h("label", { for: `ask-${field.name}` }, field.label), inputs[field.name])),
      complaint,
      h("p", { class: "row end" },
        h("button", { type: "button", class: "quiet", onclick: () => end(null) }, "Cancel"),
        h("button", { type: "submit", class: danger ? "danger" : "primary" }, confirm))));
    dialog.oncancel = (event) => { event.preventDefault(); end(null); };
    dialog.showModal();
  });
}

export function table(caption, columns, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell)))))));
}

export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 120) return `${number(value, 1)} s`;
  return value < 7200 ? `${number(value / 60)} min` : `${number(value / 3600)} h`;
}

export function share(value) {
  return value === null || value === undefined ? "–" : `${number(value * 100, 1)} %`;
}

// Time of day of Unix seconds; with the date where it is not today.
export function moment(at) {
  const date = new Date(at * 1000);
  if (Number.isNaN(date.getTime())) return "–";
  const today = date.toDateString() === new Date().toDateString();
  return today ? date.toLocaleTimeString("en-GB") : date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

// A handler that does the work once nothing has called it for a while.
export function later(work, wait_ms) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(() => work().catch(() => {}), wait_ms); };
}

// Does the work again and again while a view is open and seen; a failure waits for the next turn.
export function every(wait_ms, signal, work) {
  let timer = 0;
  const turn = async () => {
    if (signal.aborted) return;
    if (!document.hidden) await work();
    if (!signal.aborted) timer = setTimeout(turn, wait_ms);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  turn();
}
