// The API's own description, made from openapi.json; every operation can be sent from here.

import { apiKey, ROOT } from "./api.js";
import { ask, failure, h, show } from "./dom.js";
import { makeFrame } from "./frame.js";

const operations = document.getElementById("operations");

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items) || "anything"}`;
  return schema.type || "anything";
}

function limitsOf(schema) {
  const words = { minimum: "at least", maximum: "at most", minLength: "characters, at least", maxLength: "characters, at most", minItems: "entries, at least", maxItems: "entries, at most" };
  return Object.entries(words).filter(([name]) => name in schema).map(([name, said]) => `${said} ${schema[name]}`).join("; ");
}

function contentOf(part) {
  const content = Object.values(part?.content ?? {})[0];
  return content ? typeOf(content.schema) : "";
}

function parameterRow(parameter, id) {
  const { schema } = parameter;
  const isList = schema.type === "array";
  const inner = isList ? schema.items ?? {} : schema;
  const choices = inner.enum ?? (inner.type === "boolean" ? [true, false] : null);
  const value = choices && !isList
    ? h("select", { id }, [h("option", { value: "" }, ""), ...choices.map((choice) => h("option", {}, String(choice)))])
    : h("input", { id, autocomplete: "off", spellcheck: "false", placeholder: parameter.example ?? schema.default ?? "" });
  const facts = [parameter.required ? "required" : null, isList ? "several: separated by commas" : null,
    schema.default !== undefined && !(Array.isArray(schema.default) && !schema.default.length) && schema.default !== "" ? `default ${JSON.stringify(schema.default)}` : null, limitsOf(schema)].filter(Boolean);
  return { value, isList, row: h("div", { class: "parameter" },
    h("label", { for: id }, h("code", {}, parameter.name), h("span", { class: "faint" }, ` ${typeOf(schema)}`)),
    value,
    h("p", { class: "faint" }, parameter.description ?? "", facts.length ? `${parameter.description ? " " : ""}(${facts.join("; ")})` : "")) };
}

function trier(path, method, operation, number) {
  const rows = operation.parameters.map((parameter, n) => ({ parameter, ...parameterRow(parameter, `p-${number}-${n}`) }));
  const content = operation.requestBody?.content;
  const media = content?.["application/json"] ?? Object.values(content ?? {})[0];
  const body = media && h("textarea", { id: `body-${number}`, rows: "6", spellcheck: "false" });
  if (body && media.schema) body.value = JSON.stringify(media.example ?? {}, null, 2);
  const output = h("div", { class: "answer", role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    let where = path.slice(1);  // beside this page, wherever a proxy puts it
    const query = new URLSearchParams();
    for (const { parameter, value, isList } of rows) {
      if (parameter.in === "path") where = where.replace(`{${parameter.name}}`, () => encodeURIComponent(value.value));
      else if (value.value) for (const one of isList ? value.value.split(",") : [value.value]) query.append(parameter.name, one.trim());
    }
    const url = `${where}${query.size ? `?${query}` : ""}`;
    if (method === "delete" && !(await ask({ title: "Delete?", text: `DELETE /${url} can't be taken back.`, confirm: "Delete", danger: true }))) return;
    await send(method, url, body?.value, output);
  };
  return h("form", { onsubmit: submit },
    rows.map(({ row }) => row),
    body && h("div", { class: "parameter" }, h("label", { for: body.id }, "Body ", h("span", { class: "faint" }, contentOf(operation.requestBody))), body),
    h("p", {}, h("button", { type: "submit", class: "primary" }, `Send ${method.toUpperCase()}`)), output);
}

async function send(method, url, body, output) {
  const headers = { ...(apiKey() ? { "X-API-Key": apiKey() } : {}), ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  const started = performance.now();
  try {
    const answer = await fetch(new URL(url, ROOT), { method: method.toUpperCase(), headers, body, cache: "no-store" });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it came */ }
    show(output, h("p", {}, h("strong", {}, `${answer.status} ${answer.statusText}`), h("span", { class: "faint" }, ` in ${Math.round(performance.now() - started)} ms`)),
      shown && h("pre", { tabindex: "0", "aria-label": "Answer" }, shown));
  } catch (error) { show(output, failure({ title: "No answer", detail: String(error.message ?? error) })); }
}

function entry(path, method, operation, number) {
  const head = h("summary", {}, h("span", { class: `method method-${method}` }, method.toUpperCase()), h("code", {}, path), h("span", { class: "faint" }, operation.summary));
  const box = h("details", { class: "operation" }, head);
  box.addEventListener("toggle", () => {
    if (!box.open || box.childNodes.length > 1) return;
    const answers = Object.entries(operation.responses).map(([status, response]) =>
      h("li", {}, h("code", {}, status), ` ${response.description} `, h("span", { class: "faint" }, contentOf(response))));
    box.append(trier(path, method, operation, number), h("h3", {}, "Answers"), h("ul", { class: "answers" }, answers));
  });
  return box;
}

async function load() {
  let spec;
  try {
    const answer = await fetch(new URL("openapi.json", ROOT));
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    spec = await answer.json();
  } catch (error) {
    show(operations, failure({ title: "openapi.json could not be read", detail: String(error.message ?? error) }, load));
    return;
  }
  let number = 0;
  show(operations, Object.entries(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => entry(path, method, operation, number++))));
  show(document.getElementById("schemas"), Object.entries(spec.components.schemas).map(([name, schema]) =>
    h("details", { class: "operation" }, h("summary", {}, h("code", {}, name), h("span", { class: "faint" }, (schema.description ?? "").split("\n")[0])),
      h("pre", { tabindex: "0", "aria-label": `Schema of ${name}` }, JSON.stringify(schema, null, 2)))));
}

document.getElementById("openapi-link").href = new URL("openapi.json", ROOT).href;
makeFrame(() => {});
load();
