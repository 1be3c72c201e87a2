// The page over /openapi.json: every call with its parameters, bodies and answers; found by typing.
import { el, later, t } from "./admin.js";

const NESTED_MAX = 6;
const calls = document.getElementById("calls");
const contents = document.getElementById("contents");
const found = document.getElementById("found");
const search = document.getElementById("search");
const names = { customers: ["顾客", "customers"], operations: ["运维", "operations"], pages: ["页面", "pages"] };

const spec = await (await fetch("/openapi.json")).json();
const title = (tag) => (names[tag] ? t(...names[tag]) : tag);
const resolved = (shape) => (shape?.$ref ? spec.components.schemas[shape.$ref.split("/").pop()] ?? {} : shape ?? {});

/** What kind of value a shape is, in a word or two. */
function kind(shape) {
  const name = shape?.$ref?.split("/").pop();
  const it = resolved(shape);
  if (it.enum) return it.enum.map((word) => JSON.stringify(word)).join(" | ");
  if (it.const !== undefined) return JSON.stringify(it.const);
  if (it.oneOf ?? it.anyOf) return [...new Set((it.oneOf ?? it.anyOf).map(kind))].join(" | ");
  if (it.type === "array") return `${t("列表", "list of")} ${kind(it.items)}`;
  const types = [it.type ?? t("任意", "anything")].flat();
  return types.map((type) => (type === "object" && name ? name : type)).join(" | ");
}

/** The fields of an object, or of the objects in a list. */
function fields(shape, depth = 0) {
  const it = resolved(shape);
  if (depth > NESTED_MAX) return null;
  if (it.items) return fields(it.items, depth + 1);
  const inner = (it.anyOf ?? it.oneOf ?? []).map((one) => fields(one, depth + 1)).filter(Boolean);
  if (inner.length) return inner[0];
  const own = Object.entries(it.properties ?? {});
  if (!own.length) return null;
  return el("ul", { class: "shape" }, own.map(([name, value]) => {
    const about = value.description ?? resolved(value).description;
    const must = it.required?.includes(name) ? "" : t("（可省）", " (may be absent)");
    return el("li", {}, el("code", {}, name), " ", el("span", { class: "kind" }, kind(value) + must), about && ` — ${about}`, fields(value, depth + 1));
  }));
}

function body(content) {
  return Object.entries(content ?? {}).map(([type, { schema }]) =>
    el("div", {}, el("code", {}, type), schema && el("span", { class: "soft" }, ` ${kind(schema)}`), schema && fields(schema)));
}

function parameters(all) {
  if (!all.length) return null;
  const row = (it) => el("tr", {}, el("td", {}, el("code", {}, it.name)), el("td", { class: "soft" }, it.in), el("td", {}, it.required ? t("必填", "required") : ""), el("td", {}, (it.description ?? "").replace(/^Required: /, "")));
  return [el("h3", {}, t("参数", "Parameters")), el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, all.map(row))))];
}

/** The call as one types it. */
function example(method, path, call) {
  const parts = [`curl${method === "get" ? "" : ` -X ${method.toUpperCase()}`} '${location.origin}${path}'`];
  if (call["x-jinqun-role"] !== "public") parts.push(`-H "Authorization: Bearer $TOKEN"`);
  const type = Object.keys(call.requestBody?.content ?? {})[0];
  if (type?.startsWith("multipart/")) parts.push("-F file=@FILE");
  else if (type) parts.push(`-H 'Content-Type: ${type}'`, type.endsWith("json") ? "-d '{…}'" : "--data-binary @FILE");
  return el("pre", {}, parts.join(" \\\n  "));
}

function inside(method, path, call) {
  const answers = Object.entries(call.responses).map(([status, it]) => {
    const isGood = Number(status) < 400;
    return el("div", {}, el("span", { class: `badge ${isGood ? "good" : ""}` }, status), ` ${it.description}`, isGood && body(it.content));
  });
  return el("div", { class: "inside" }, example(method, path, call), parameters(call.parameters ?? []),
    call.requestBody && [el("h3", {}, t("请求", "Request")), body(call.requestBody.content)], el("h3", {}, t("回答", "Answers")), answers);
}

/** One call; what is inside is made when somebody looks. */
function entry(method, path, call) {
  const role = call["x-jinqun-role"];
  const node = el("details", { class: "call", id: call.operationId },
    el("summary", {}, el("span", { class: `verb ${method}` }, method.toUpperCase()), el("span", { class: "path" }, path), el("span", { class: "about" }, call.summary),
      role !== "public" && el("span", { class: "badge", title: t("至少需要的角色", "The least role that may") }, role)));
  node.addEventListener("toggle", () => node.open && node.children.length === 1 && node.append(inside(method, path, call)));
  const text = `${method} ${path} ${call.summary} ${JSON.stringify(call.parameters)} ${JSON.stringify(call.requestBody ?? "")} ${role}`.toLowerCase();
  return { node, text, link: el("a", { href: `#${call.operationId}` }, path.replace("/api/v1/admin/", "").replace("/api/v1/", ""), " ", el("small", { class: "soft" }, method)) };
}

const groups = new Map();
for (const [path, methods] of Object.entries(spec.paths)) {
  for (const [method, call] of Object.entries(methods)) {
    const tag = call.tags[0];
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(entry(method, path, call));
  }
}
const rank = (tag) => ["customers", "operations"].indexOf(tag) + 1 || (tag === "pages" ? 99 : 50);
const ordered = [...groups].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
for (const [tag, all] of ordered) {
  calls.append(el("section", { "data-tag": tag }, el("h2", { id: `tag-${tag}` }, title(tag)), all.map((it) => it.node)));
  contents.append(el("h2", {}, title(tag)), ...all.map((it) => it.link));
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const [tag, all] of ordered) {
    let any = false;
    for (const { node, text, link } of all) {
      node.hidden = link.hidden = !words.every((word) => text.includes(word));
      any ||= !node.hidden;
      shown += Number(!node.hidden);
    }
    calls.querySelector(`[data-tag="${tag}"]`).hidden = !any;
  }
  found.textContent = t(`${shown} 个接口`, `${shown} calls`);
}

search.addEventListener("input", later(filter, 120));
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) (event.preventDefault(), search.focus());
});
filter();
const open = () => {
  const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (node?.matches("details")) (node.open = true), node.scrollIntoView();
};
addEventListener("hashchange", open);
open();
