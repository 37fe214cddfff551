// Own data: files, what is found in them, columns that somebody maps, and a training that is watched.

import { call, get, segment } from "./api.js";
import { ask, empty, failure, h, loading, moment, number, seconds, share, show, table } from "./dom.js";
import { bar, factList } from "./lists.js";

const LOOK_EVERY_MS = 1_000;
const UPLOAD_MS = 3_600_000;
const INSPECTION_MS = 180_000;
const START_MS = 150_000;
const FIELDS = { events: ["user_id", "item_id", "timestamp", "type", "value", "event_id"], items: ["item_id", "title", "text", "categories", "kind", "is_hidden"] };

export function mount(place, _params, { signal }) {
  let state = null;
  let isForced = false;
  const told = new Map(); // file -> {field: column}
  const files = h("section", { class: "panel detail", "aria-labelledby": "own-files" });
  const found = h("section", { class: "detail", "aria-label": "What was found" });
  const training = h("section", { class: "panel detail", "aria-labelledby": "own-training" });
  const input = h("input", { id: "own-input", type: "file", multiple: true, class: "unseen", onchange: () => upload([...input.files]) });
  const drop = h("div", { class: "drop" },
    h("p", {}, h("strong", {}, "Drop files here"), " or ", h("label", { for: "own-input", class: "button" }, "choose them"), input),
    h("p", { class: "faint" }, "Events (a user, an item, a time) and items (an id, a title), as CSV, JSON Lines or Parquet, packed by gzip or zstd or not."));
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); upload([...event.dataTransfer.files]); });

  show(place, h("div", { class: "lead" }, h("h1", {}, "Own data"),
    h("p", {}, "See what is in files of yours, say which column is what, and train on them.")), files, found, training);

  // `trouble`: what is said above the files.
  async function load(trouble = null) {
    if (!state) showAlone(loading("the files"));
    try {
      state = await get("v1/own-data", { signal });
    } catch (error) {
      if (signal.aborted) return;
      state = null;
      showAlone(error.kind === "missing" ? empty("No files are taken here", error.detail) : failure(error, () => load()));
      return;
    }
    paint(trouble);
  }

  function showAlone(words) {
    show(files, words);
    show(found);
    show(training);
  }

  function paint(trouble = null) {
    const isBusy = state.training?.state === "running";
    const n_bytes = state.files.reduce((sum, file) => sum + file.n_bytes, 0);
    show(files, h("h2", { id: "own-files" }, "Files"), isBusy || state.missing.length ? null : drop, trouble,
      state.missing.length ? failure({ title: "Files can't be looked at here", detail: `This installation has no ${state.missing.join(", ")}.` }) : null,
      state.files.length ? h("ul", { class: "results compact" }, state.files.map((file) => h("li", {}, h("span", { class: "id" }, file.file),
        h("span", { class: "faint" }, bytes(file.n_bytes)),
        isBusy ? null : h("button", { type: "button", class: "quiet", "aria-label": `Remove ${file.file}`, onclick: () => change(() => call("DELETE", `v1/own-data/files/${segment(file.file)}`, { signal })) }, "Remove")))) : null,
      h("p", { class: "faint" }, `${bytes(n_bytes)} of ${bytes(state.max_bytes)}`));
    show(found, state.found ? state.found.files.map((file) => finding(file, isBusy)) : lookFirst());
    paintTraining();
  }

  function lookFirst() {
    if (!state.files.length) return empty("No file yet", "What is in them stands here once there is one.");
    return h("div", { class: "panel" }, h("button", { type: "button", class: "primary", onclick: inspect }, "Look at them"));
  }

  async function upload(chosen) {
    for (const file of chosen) {
      show(files, h("h2", { id: "own-files" }, "Files"), loading(`${file.name} (${bytes(file.size)})`));
      try {
        await call("PUT", `v1/own-data/files/${segment(file.name)}`, { file, signal, timeout_ms: UPLOAD_MS });
      } catch (error) {
        if (!signal.aborted) await load(failure({ title: `${file.name} was not taken`, detail: error.detail ?? String(error), kind: error.kind }));
        return;
      }
    }
    input.value = "";
    if (!chosen.length) return;
    await load();
    if (state && !state.missing.length) await inspect();
  }

  async function change(work) {
    try { await work(); await load(); } catch (error) { if (!signal.aborted) await load(failure(error)); }
  }

  async function inspect() {
    show(found, loading("what is in the files"));
    const given = state.files.filter((file) => told.has(file.file)).map((file) => ({ file: file.file, map: told.get(file.file) }));
    try {
      state.found = await call("POST", "v1/own-data/inspection", { body: { files: given }, signal, timeout_ms: INSPECTION_MS });
      paint();
    } catch (error) { if (!signal.aborted) show(found, h("div", { class: "panel" }, failure(error, inspect))); }
  }

  function finding(file, isBusy) {
    const roles = new Map(file.roles.map((role) => [role.field, role]));
    const names = [...new Set([...(FIELDS[file.kind] ?? FIELDS.events), ...roles.keys()])];
    const rows = file.columns.length ? names.map((field) => [field, picker(file, field, roles.get(field), isBusy),
      roles.has(field) ? share(roles.get(field).share) : "–", roles.has(field) ? h("span", { class: roles.get(field).is_guess ? "notice" : "faint" }, roles.get(field).reason) : ""]) : [];
    return h("section", { class: "panel detail", "aria-label": file.file },
      h("div", { class: "row" }, h("h2", { class: "id" }, file.file), file.kind ? h("span", { class: "tag" }, file.kind) : null,
        file.n_rows ? h("span", { class: "faint" }, `${number(file.n_rows)} rows looked at`) : null),
      file.problem ? failure({ title: "It can't be read as it is", detail: file.problem }) : null,
      rows.length ? table(`Columns of ${file.file}`, ["Field", "Column", "Rows that fit", "Why"], rows) : null,
      file.notes.length ? h("ul", { class: "faint" }, file.notes.map((note) => h("li", {}, note))) : null,
      file.rows.length ? h("details", {}, h("summary", {}, "The first rows"), table(`First rows of ${file.file}`, file.columns, file.rows)) : null);
  }

  function picker(file, field, role, isBusy) {
    const id = `map-${file.file}-${field}`;
    const pick = h("select", { id, "aria-label": `Column of ${field} in ${file.file}`, disabled: isBusy, onchange: () => {
      told.set(file.file, { ...told.get(file.file), [field]: pick.value });
      inspect();
    } }, [h("option", { value: "" }, "none"), ...file.columns.map((column) => h("option", { value: column, selected: column === role?.column }, column))]);
    return pick;
  }

  function showTraining(...parts) {
    show(training, h("h2", { id: "own-training" }, "Training"), ...parts);
  }

  function paintTraining() {
    const { training: last, found: known, live } = state;
    if (last?.state === "running") { showTraining(running(last)); return; }
    const isReady = Boolean(known?.config) && known.files.some((file) => file.kind === "events");
    showTraining(last ? ended(last) : null,
      factList([["Live now", live ? h("span", { class: "id" }, live.generation) : "no generation"], ["Learned from", live?.learned_from],
        ["Made", live?.created_at ? moment(live.created_at) : null], ["Its recall at 10", live?.recall_at_10 ? share(live.recall_at_10) : null]], {}),
      isReady ? choices(live) : h("p", { class: "faint" }, "Once it is known how a file of events is read, a model can be trained on it."),
      isReady ? byHand(known) : null);
  }

  function choices(live) {
    return h("div", { class: "row" },
      live ? h("span", { class: "field check" }, h("input", { id: "own-force", type: "checkbox", checked: isForced, onchange: (event) => { isForced = event.target.checked; } }),
        h("label", { for: "own-force" }, "replace it also if it knows far more events or users")) : null,
      h("button", { type: "button", class: "primary", onclick: () => train(live, false) }, live ? "Train, and replace the live model" : "Train"),
      live ? h("button", { type: "button", onclick: () => train(live, true) }, "Train beside it, as a challenger") : null);
  }

  function byHand(known) {
    const url = URL.createObjectURL(new Blob([known.config], { type: "application/toml" }));
    return h("details", {}, h("summary", {}, "Train elsewhere instead: a system of this data alone"),
      h("p", {}, "Put ", h("a", { href: url, download: "streamrec.toml" }, "streamrec.toml"), " beside the files, in a folder of its own, and there:"),
      h("pre", { tabindex: "0" }, "python -m pip install streamrec    # or a checkout's .venv\npython -m streamrec run"),
      h("details", {}, h("summary", {}, "What stands in it"), h("pre", { tabindex: "0" }, known.config)));
  }

  async function train(live, isChallenger) {
    const words = isChallenger ? `The new model learns beside ${live.generation}, and is shown to nobody until it is promoted.`
      : live ? `The new model takes the place of ${live.generation}${live.learned_from ? `, which learned from ${live.learned_from}` : ""}, as soon as it is trained, however well it ranks. What the log of events holds is learned on top of the files.`
        : "The new model is live as soon as it is trained. What the log of events holds is learned on top of the files.";
    const given = await ask({ title: isChallenger ? "Train a challenger?" : live ? "Train, and replace the live model?" : "Train?", text: words, confirm: isChallenger || !live ? "Train" : "Replace it", danger: Boolean(live) && !isChallenger });
    if (!given) return;
    showTraining(loading("the training"));
    try {
      state.training = await call("POST", "v1/own-data/training", { body: { replaces: live?.generation ?? null, as_challenger: isChallenger, force: isForced && !isChallenger }, signal, timeout_ms: START_MS });
      paint();
    } catch (error) { if (!signal.aborted) showTraining(failure(error, () => load())); }
  }

  function running(now) {
    const done = now.total ? now.done / now.total : null;
    return [
      h("p", { role: "status" }, `${now.step}${done === null ? " ..." : `: ${share(done)}`}`), done === null ? null : bar(done, 1, `${now.step}: ${share(done)}`),
      h("p", { class: "faint" }, `Since ${moment(now.started_at)}. It goes on while you look elsewhere, and ends with the recommender.`), messages(now),
      h("div", { class: "row" }, h("button", { type: "button", class: "danger", onclick: () => change(() => call("DELETE", "v1/own-data/training", { signal, timeout_ms: START_MS })) }, "Cancel"))];
  }

  function ended(last) {
    const took = last.ended_at ? ` after ${seconds(last.ended_at - last.started_at)}` : "";
    if (last.state === "failed") return [failure({ title: `The last training failed${took}`, detail: last.error }), messages(last)];
    if (last.state === "cancelled") return h("p", { class: "notice" }, `The last training was cancelled${took}; nothing was replaced.`);
    return [h("p", { role: "status" }, `Trained${took}: `, h("span", { class: "id" }, last.generation), last.as_challenger ? " is the challenger; `python -m streamrec promote` makes it live." : " is live."), messages(last)];
  }

  function messages(of) {
    return of.messages.length ? h("pre", { tabindex: "0", "aria-label": "What the training says" }, of.messages.join("\n")) : null;
  }

  async function follow() {
    if (!state || state.training?.state !== "running" || document.hidden) return;
    try {
      const next = await get("v1/own-data", { signal });
      const isOver = next.training?.state !== "running";
      state = next;
      if (isOver) paint(); else paintTraining();
    } catch (error) { if (!signal.aborted) showTraining(failure(error, () => load())); }
  }

  const timer = setInterval(follow, LOOK_EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  load();
  return {};
}

function bytes(n) {
  if (n < 1e3) return `${n} bytes`;
  return n < 1e6 ? `${number(n / 1e3, 1)} kB` : `${number(n / 1e6, 1)} MB`;
}
