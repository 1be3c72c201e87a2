// Versions of the catalog: who, when, why, what changed field by field; and an older one made current again.

import { api, complain, el, isChinese, may, t, toast } from "./admin.js";

const PER_PAGE = 30;
const KINDS = { store: t("门店", "Store"), group: t("群", "Group"), contact: t("联系人", "Contact"), campaign: t("活动", "Campaign"), region: t("区域", "Region"), service_area: t("服务范围", "Service area") };
const CHANGES = { created: [t("新增", "Added"), "good"], updated: [t("修改", "Changed"), "warn"], removed: [t("删除", "Removed"), "bad"] };
const FIELDS = {
  id: "编号", name: "名称", address: "地址", province: "省", city: "市", district: "区", "at.lat": "纬度", "at.lng": "经度", "at.datum": "坐标系", status: "状态", hours: "营业时间", closures: "临时闭店",
  zone: "时区", tags: "标签", "owner.store": "所属门店", "owner.region": "所属区域", "owner.campaign": "所属活动", "code.link": "入群链接", "code.expires_at": "过期时间", capacity: "人数上限", order: "顺序", slug: "短名",
  shape: "边界", level: "级别", parent: "上级", code: "代码", store: "门店", colour: "颜色", logo: "标志",
};
const fieldName = (name) => (isChinese ? (FIELDS[name] ?? name.replace(/^extra\./, "")) : name.replace(/^extra\./, ""));
const list = document.getElementById("versions");
const more = document.getElementById("more");
let page = 0;
let current = 0;

const moment = (text) => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
const word = (value) => (value === null || value === "" ? t("(空)", "(empty)") : String(value));

function entry(it) {
  const [change, kind] = CHANGES[it.change];
  const lines = it.fields.flatMap((field) => [
    el("dt", {}, fieldName(field.field)),
    el(
      "dd",
      {},
      it.change === "created" ? null : el("del", {}, word(field.before)),
      it.change === "updated" ? " → " : null,
      it.change === "removed" ? null : el("ins", {}, word(field.after)),
    ),
  ]);
  const title = el("h3", {}, el("span", { class: `badge ${kind}` }, change), ` ${KINDS[it.kind] ?? it.kind} `, it.name || it.id, it.name ? el("span", { class: "soft" }, ` ${it.id}`) : null);
  const fields = el("dl", {}, lines);
  // What was added or removed as a whole is told by its name; its fields are there for who wants them.
  const isWhole = it.change !== "updated" && it.fields.length > 0;
  return el("div", { class: "entry" }, title, isWhole ? el("details", {}, el("summary", { class: "soft" }, t("全部字段", "All fields")), fields) : fields);
}

async function differences(version, body, from = 1) {
  const { data } = await api("GET", `catalog/versions/${version}/diff?page=${from}&per_page=50`);
  if (data.total === 0) body.append(el("p", { class: "soft" }, t("没有内容变化", "Nothing changed")));
  body.append(...data.items.map(entry));
  const left = data.total - from * 50;
  if (left > 0) {
    const next = el("button", { type: "button", onclick: () => (next.remove(), differences(version, body, from + 1).catch(complain)) }, t(`还有 ${left} 项`, `${left} more`));
    body.append(next);
  }
}

function line(it) {
  const body = el("div", { class: "body", id: `diff-${it.version}`, hidden: true });
  const open = el("button", { type: "button", "aria-expanded": "false", "aria-controls": body.id }, t("查看改动", "What changed"));
  open.addEventListener("click", () => {
    body.hidden = !body.hidden;
    open.setAttribute("aria-expanded", String(!body.hidden));
    if (!body.hidden && body.childElementCount === 0) differences(it.version, body).catch(complain);
  });
  const again = it.is_current
    ? el("span", { class: "badge good" }, t("当前版本", "Current"))
    : may("ops") && el("button", { type: "button", class: "again", onclick: () => rollBack(it).catch(complain) }, t("恢复为当前版本", "Make current again"));
  return el(
    "li",
    { class: "version", "data-version": it.version },
    el(
      "div",
      { class: "head" },
      el("span", { class: "number" }, String(it.version)),
      el("div", {}, el("p", { class: "note" }, it.note || t(`改动 ${it.changes} 项`, `${it.changes} changes`)), el("p", { class: "soft" }, `${it.author} · ${moment(it.at)}${it.note ? t(` · ${it.changes} 项`, ` · ${it.changes} changes`) : ""}`)),
      el("div", { class: "actions" }, open, again),
    ),
    body,
  );
}

async function rollBack(it) {
  const dialog = document.getElementById("again");
  const { data } = await api("GET", `catalog/versions/${it.version}/diff?against=${current}&per_page=1`);
  document.getElementById("again-title").textContent = t(`恢复版本 ${it.version}?`, `Make version ${it.version} current again?`);
  document.getElementById("again-count").textContent = t(`与当前版本相比有 ${data.total} 项不同`, `${data.total} entries differ from what is current`);
  const form = dialog.querySelector("form");
  form.reset();
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "yes") return;
  await api("POST", "catalog/rollback", { version: it.version, note: form.elements.note.value.trim() }, { etag: `"${current}"` });
  toast(t(`版本 ${it.version} 已恢复,马上生效`, `Version ${it.version} is current again`));
  page = 0;
  list.replaceChildren();
  await load();
}

async function load() {
  page += 1;
  const { data } = await api("GET", `catalog/versions?page=${page}&per_page=${PER_PAGE}`);
  current = data.total;
  list.append(...data.items.map(line));
  more.hidden = page * PER_PAGE >= data.total;
  document.getElementById("none").hidden = data.total > 0;
}

more.addEventListener("click", () => load().catch(complain));
load().catch(complain);
