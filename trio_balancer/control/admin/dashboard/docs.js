// The API's description, openapi.json, as a page for people.

import { byId, make } from "./dom.js";
import { startTheme } from "./theme.js";

const JSON_TYPE = "application/json";

/** Say a schema in a few words. */
function words(schema) {
  if (schema === undefined) return "";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.type === "array") return `list of ${words(schema.items)}`;
  if (schema.additionalProperties) return `${words(schema.additionalProperties)} by name`;
  return [schema.type].flat().join(" or ");
}

function pairs(entries) {
  return make("dl", {}, ...entries.flatMap(([term, text]) => [
    make("dt", { class: "mono", text: term }), make("dd", { text })]));
}

function operation(path, method, described) {
  const card = make("article", { class: "operation card" },
    make("h3", {},
      make("span", { class: `method ${method}`, text: method.toUpperCase() }),
      make("span", { class: "mono", text: path })),
    make("p", { text: described.summary }));
  if (described.description) card.append(make("p", { class: "soft", text: described.description }));
  const body = described.requestBody?.content[JSON_TYPE].schema.properties ?? {};
  card.append(pairs([
    ...(described.parameters ?? []).map((each) => [each.name, each.description]),
    ...Object.entries(body).map(([name, each]) => [name, `${words(each)}: ${each.description}`]),
    ...Object.entries(described.responses).map(([status, each]) => [status, answer(each)]),
  ]));
  return card;
}

function answer({ description, content }) {
  const shape = words(content?.[JSON_TYPE]?.schema);
  return shape ? `${description} (${shape})` : description;
}

function shape(name, schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([key, each]) => [
    key, [words(each), each.description].filter(Boolean).join(": ")]);
  return make("article", { class: "shape card" },
    make("h3", { class: "mono", text: name }),
    make("p", { class: "soft", text: schema.description ?? "" }), pairs(rows));
}

function show(document_, groups) {
  byId("title").textContent = document_.info.title;
  byId("description").textContent = document_.info.description;
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, described] of Object.entries(methods)) {
      groups.get(described.tags[0]).append(operation(path, method, described));
    }
  }
  for (const [name, schema] of Object.entries(document_.components.schemas)) {
    byId("shapes").append(shape(name, schema));
  }
}

function group({ name, description }) {
  const section = make("section", {}, make("h2", { text: description }));
  byId("groups").append(section);
  return [name, section];
}

startTheme();
const description = await (await fetch("/api/openapi.json")).json();
show(description, new Map(description.tags.map(group)));
