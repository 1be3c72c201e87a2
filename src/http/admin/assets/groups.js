// Groups and contacts: a card for each, by owner; a new code by picture in two taps.
import { api, ask, complain, el, isChinese, later, may, t, toast } from "./admin.js";
import { editEntrance } from "./groupform.js";
import { refusal, send, takesPictures } from "./pictures.js";

const PER_PAGE = 50;
const list = document.getElementById("entrances");
const bar = document.getElementById("filters");
const more = document.getElementById("more");
const count = document.getElementById("count");
const query = new URLSearchParams(location.search);
const mayChange = may("ops");
let kind = query.get("kind") === "contacts" ? "contacts" : "groups";
let page = 1;
let running = new AbortController();

const owner = (it) => Object.entries(it.owner)[0];
const ownerKey = (it) => owner(it).join(":");

/** When a code ends, in words and as the kind of a badge. */
function ending(it) {
  if (it.expires_in_s === null) return { kind: "", words: t("长期有效", "Does not expire") };
  const hours = Math.floor(Math.abs(it.expires_in_s) / 3600);
  const span = hours < 48 ? t(`${hours} 小时`, `${hours} h`) : t(`${Math.round(hours / 24)} 天`, `${Math.round(hours / 24)} days`);
  if (it.expires_in_s < 0) return { kind: "bad", words: t(`已过期 ${span}`, `Expired ${span} ago`) };
  return { kind: it.expires_in_s < 3 * 86400 ? "warn" : "good", words: t(`还有 ${span}到期`, `${span} left`) };
}

function meter(it) {
  if (!it.heads) return null;
  const share = Math.min(it.heads.share, 1);
  const level = it.heads.share >= 1 ? "bad" : it.heads.share >= 0.8 ? "warn" : "good";
  const fill = el("i", { class: level });
  fill.style.width = `${Math.round(share * 100)}%`;
  const heads = Math.round(it.heads.estimate);
  const counted = it.heads.members === null ? t("还没数过成员,按进群情况估计", "Estimated from joins; nobody has counted the members yet") : t(`最近数到 ${it.heads.members} 人`, `${it.heads.members} members at the last count`);
  const words = t(`约 ${heads} / ${it.capacity} 人`, `about ${heads} of ${it.capacity}`);
  return el("div", { class: "fill", title: counted }, el("div", { class: "track", role: "meter", "aria-label": t("已占用", "Taken"), "aria-valuemin": "0", "aria-valuemax": String(it.capacity), "aria-valuenow": String(heads) }, fill), el("small", {}, words));
}

/** A file input that stands behind a button. */
function chooser(take, camera) {
  const input = el("input", { type: "file", accept: "image/*", class: "hidden-file", tabindex: "-1", "aria-hidden": "true" });
  if (camera) input.setAttribute("capture", "environment");
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) take(file);
  });
  return input;
}

function card(it) {
  const path = `${kind}/${encodeURIComponent(it.id)}`;
  const end = ending(it);
  const status = el("p", { class: "said", role: "status", "aria-live": "polite" });
  const code = el("img", { class: "code", src: `${it.qr_png}?size=320`, width: "116", height: "116", alt: t(`${it.name}的二维码`, `The code of ${it.name}`) });
  const node = el("li", { class: "entrance card", "data-id": it.id, "data-etag": it.etag, tabindex: mayChange ? "0" : null, "aria-label": it.name });
  const take = async (file) => {
    const tell = (words) => (status.className = "said busy", status.replaceChildren(words));
    node.setAttribute("aria-busy", "true");
    try {
      const { data } = await send(`${path}/join-code`, file, { etag: node.dataset.etag, tell });
      const fresh = card(data.entrance);
      node.replaceWith(fresh);
      fresh.querySelector(".said").className = "said good";
      const assumed = data.assumed_days === null ? "" : t(`,按 ${data.assumed_days} 天有效期`, `, taken to work for ${data.assumed_days} days`);
      const same = data.link === data.link_before ? t("还是原来的码", "The same code as before") : t("已换成新码", "The new code is live");
      fresh.querySelector(".said").replaceChildren(`✓ ${same}${assumed}`);
      fresh.classList.add("fresh");
      fresh.focus({ preventScroll: true });
    } catch (error) {
      node.removeAttribute("aria-busy");
      status.className = "said bad";
      status.replaceChildren(error.status === 412 ? t("别人刚刚改过这个码,请刷新页面。", "Somebody has just changed this; reload the page.") : refusal(error));
    }
  };
  const change = (body, said) =>
    api("PATCH", path, body, { etag: node.dataset.etag }).then(({ data }) => (node.replaceWith(card(data)), toast(said)), complain);
  const paused = it.status === "paused";
  const tools = () => {
    const file = chooser(take, false);
    const camera = chooser(take, true);
    const move = (by) => el("button", { type: "button", class: "icon", title: by < 0 ? t("前移", "Move forward") : t("后移", "Move back"), "aria-label": by < 0 ? t("前移", "Move forward") : t("后移", "Move back"), onclick: () => shift(node, by) }, by < 0 ? "↑" : "↓");
    return [
      el("div", { class: "row" }, file, camera,
        el("button", { type: "button", class: "primary swap", onclick: () => file.click() }, t("换新码", "New code")),
        el("button", { type: "button", class: "camera", onclick: () => camera.click() }, t("拍照", "Photo"))),
      el("div", { class: "row small" },
        el("button", { type: "button", class: "link", onclick: () => editEntrance(kind, it, (fresh) => node.replaceWith(card(fresh))) }, t("编辑", "Edit")),
        kind === "groups" && el("button", { type: "button", class: "link", "data-pause": "", onclick: () => change({ status: paused ? "active" : "paused" }, paused ? t("已恢复", "Resumed") : t("已暂停", "Paused")) }, paused ? t("恢复", "Resume") : t("暂停", "Pause")),
        el("button", { type: "button", class: "link", onclick: () => remove(it, node) }, t("删除", "Delete")),
        el("span", { class: "moves" }, move(-1), move(1))),
    ];
  };
  node.append(
    code,
    el("div", { class: "about" },
      el("strong", {}, it.name),
      el("div", { class: "row badges" }, el("span", { class: `badge ${end.kind}`, title: it.expires_at ?? "" }, end.words), paused && el("span", { class: "badge warn" }, t("已暂停", "Paused"))),
      meter(it)),
    el("div", { class: "tools" }, ...(mayChange ? tools() : [])),
    status,
  );
  if (mayChange) {
    takesPictures(node, take);
    sortable(node);
  }
  return node;
}

async function remove(it, node) {
  const question = t(`删除「${it.name}」?顾客将不再看到它的码。`, `Delete “${it.name}”? Customers will no longer see its code.`);
  if (!(await ask(question, { yes: t("删除", "Delete"), dangerous: true }))) return;
  try {
    await api("DELETE", `${kind}/${encodeURIComponent(it.id)}`, undefined, { etag: node.dataset.etag });
    const section = node.closest("section");
    node.remove();
    if (!section.querySelector("li")) section.remove();
    toast(t("已删除", "Deleted"));
  } catch (error) {
    complain(error);
  }
}

/** Sends the order of the cards as they stand, and reads the entries again for their new tags. */
const order = later(async (row) => {
  try {
    await api("POST", `${kind}/order`, { ids: [...row.children].map((it) => it.dataset.id) });
    toast(t("顺序已保存,排在前面的先用", "The order is kept; the first ones are used first"));
    const [what, id] = row.dataset.owner.split(/:(.*)/s);
    const { data } = await api("GET", `${kind}?${what}=${encodeURIComponent(id)}&per_page=200`);
    for (const it of data.items) {
      const node = [...row.children].find((node) => node.dataset.id === it.id);
      if (node) node.dataset.etag = it.etag;
    }
  } catch (error) {
    complain(error);
  }
}, 500);

function shift(node, by) {
  const row = node.parentElement;
  const other = by < 0 ? node.previousElementSibling : node.nextElementSibling;
  if (!other) return;
  by < 0 ? other.before(node) : other.after(node);
  node.querySelectorAll(".moves button")[by < 0 ? 0 : 1].focus();
  order(row);
}

let dragged = null;
function sortable(node) {
  node.draggable = true;
  node.addEventListener("dragstart", (event) => {
    if (event.target !== node) return;
    dragged = node;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", node.dataset.id);
    node.classList.add("dragged");
  });
  node.addEventListener("dragend", () => (node.classList.remove("dragged"), (dragged = null)));
  node.addEventListener("dragover", (event) => {
    if (!dragged || dragged === node || dragged.parentElement !== node.parentElement) return;
    event.preventDefault();
    const all = [...node.parentElement.children];
    all.indexOf(dragged) < all.indexOf(node) ? node.after(dragged) : node.before(dragged);
  });
  node.addEventListener("drop", (event) => dragged && (event.preventDefault(), order(node.parentElement)));
}

/** The section of an owner, made where it is missing. */
function section(it) {
  const key = ownerKey(it);
  const there = [...list.querySelectorAll("ul")].find((row) => row.dataset.owner === key);
  if (there) return there;
  const [what, id] = owner(it);
  const labels = { store: t("门店", "Store"), region: t("区域", "Region"), campaign: t("活动", "Campaign") };
  const row = el("ul", { class: "cards", "data-owner": key });
  const only = query.get(what) === id ? null : el("a", { href: `?kind=${kind}&${what}=${encodeURIComponent(id)}`, class: "soft only" }, t("只看这里", "Only these"));
  list.append(el("section", {}, el("h2", {}, el("span", { class: "badge" }, labels[what]), " ", it.owner_name || id, " ", el("small", { class: "soft" }, [id, it.owner_city].filter((word) => word && word !== it.owner_name).join(" · ")), only), row));
  return row;
}

function asked() {
  const wanted = new URLSearchParams({ page: String(page), per_page: String(PER_PAGE) });
  for (const name of ["store", "region", "campaign"]) if (query.get(name)) wanted.set(name, query.get(name));
  for (const name of ["q", "status", "expiring"]) if (bar.elements[name]?.value) wanted.set(name, bar.elements[name].value);
  return wanted;
}

async function load(fresh) {
  if (fresh) page = 1;
  running.abort();
  running = new AbortController();
  list.setAttribute("aria-busy", "true");
  try {
    const { data } = await api("GET", `${kind}?${asked()}`, undefined, { signal: running.signal });
    if (fresh) list.replaceChildren();
    for (const it of data.items) section(it).append(card(it));
    const shown = list.querySelectorAll("li").length;
    count.textContent = t(`共 ${data.total.toLocaleString()} 个`, `${data.total.toLocaleString(isChinese ? "zh" : "en")} in all`);
    more.hidden = shown >= data.total;
    if (!shown) list.replaceChildren(el("p", { class: "empty" }, kind === "groups" ? t("没有符合条件的群。", "No groups here.") : t("没有符合条件的店长。", "No contacts here.")));
    list.removeAttribute("aria-busy");
  } catch (error) {
    complain(error);
  }
}

for (const tab of document.querySelectorAll("[data-kind]")) {
  const show = () => tab.setAttribute("aria-pressed", String(tab.dataset.kind === kind));
  show();
  tab.addEventListener("click", () => {
    kind = tab.dataset.kind;
    for (const other of document.querySelectorAll("[data-kind]")) other.setAttribute("aria-pressed", String(other.dataset.kind === kind));
    bar.elements.status.closest("label").hidden = kind === "contacts";
    if (kind === "contacts") bar.elements.status.value = "";
    load(true);
  });
}
bar.addEventListener("input", later(() => load(true), 200));
bar.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", () => ((page += 1), load(false)));
document.getElementById("new")?.addEventListener("click", () => editEntrance(kind, null, () => load(true), query));
if (query.get("q")) bar.elements.q.value = query.get("q");
if (query.get("expiring")) bar.elements.expiring.value = query.get("expiring");
const all = document.getElementById("all");
all.hidden = !["store", "region", "campaign"].some((name) => query.get(name));
load(true);
