// The editor of a store: its fields, and its place on the map. The pin is moved by mouse, touch and keyboard, by pasted
// coordinates of any datum, or by a link of a map site; what it is moved to is shown before it is saved.

import { api, ask, complain, el, later, may, fault, t, toast } from "./admin.js";
import { ChainMap, distanceText, followChain, metres } from "./map.js";

const NAMES = {
  id: t("门店编号", "Store id"), name: t("门店名称", "Name"), address: t("地址", "Address"), province: t("省", "Province"), city: t("市", "City"),
  district: t("区", "District"), status: t("状态", "Status"), hours: t("营业时间", "Opening hours"), closures: t("临时闭店日期", "Days closed"),
  time_zone: t("时区", "Time zone"), tags: t("标签", "Tags"), position: t("位置", "Place"),
};
const TEXTS = ["id", "name", "address", "province", "city", "district", "status", "hours", "closures", "time_zone"];
const SITES = { numbers: t("坐标", "coordinates"), dms: t("度分秒", "degrees, minutes, seconds"), amap: t("高德链接", "AMap link"), baidu: t("百度链接", "Baidu link"), tencent: t("腾讯链接", "Tencent link"), google: "Google", apple: "Apple", osm: "OpenStreetMap", geo: "geo:" };
const NOTES = {
  lng_first: t("按“经度在前”读取", "longitude read first"),
  order_assumed: t("顺序有两种可能,按“纬度在前”读取,请看地图核对", "both orders are possible, latitude was read first: check the map"),
  datum_assumed: t("该网站在中国境内按 GCJ-02 读取,请看地图核对", "read as GCJ-02, as this site draws China: check the map"),
};
const DATUMS = { wgs84: "WGS-84", gcj02: "GCJ-02", bd09: "BD-09" };
// How the service says it, in the language of the page where that is Chinese.
const OWN = t(
  {
    hours_unreadable: "营业时间写法不对,例如 08:00-22:00", closures_unreadable: "日期写法不对,例如 2026-10-01..2026-10-03", timezone_unknown: "时区写法不对,例如 Asia/Shanghai",
    reserved_word: "这个词在系统的网址里另有用途,请换一个编号",
    too_many_tags: "标签太多", status_unknown: "没有这种状态", exists: "这个编号已经有门店了",
  },
  {},
);
const WARNED = t(
  { too_close: "与另一家门店相距不到 10 米", outside_region: "位置不在所填的省市区之内", swapped: "看起来经纬度填反了", zero_zero: "坐标是 0,0", datum_suspect: "看起来坐标系选错了:按另一种坐标系读,它正好在原来的位置" },
  {},
);

const form = document.getElementById("editor");
const byId = (id) => document.getElementById(id);
const isNew = form.dataset.id === "";
const path = () => `stores/${encodeURIComponent(form.dataset.id)}`;
/** What is stored, its tag, and where the pin is. */
const held = { store: null, etag: null, place: null, given: null };
const map = new ChainMap(byId("map"), { zoom: isNew ? 4 : 16 });
const follow = followChain(map);

const same = (a, b) => a && b && Math.abs(a.lat - b.lat) < 1e-9 && Math.abs(a.lng - b.lng) < 1e-9;
const clean = (text) => (text ?? "").trim();

/** The fields as the page has them. */
function mine() {
  const fields = Object.fromEntries(TEXTS.map((it) => [it, clean(form.elements[it].value)]));
  fields.tags = form.elements.tags.value.split(/[;；]/).map(clean).filter(Boolean);
  return fields;
}

/** What of a store the page shows, in the same form. */
function shown(store) {
  const fields = Object.fromEntries(TEXTS.map((it) => [it, clean(store[it])]));
  return { ...fields, tags: store.tags };
}

/** The fields that somebody changed here since `base`. */
function changed(base) {
  const [now, was] = [mine(), shown(base)];
  const patch = {};
  for (const name of Object.keys(now)) {
    if (name !== "id" && JSON.stringify(now[name]) !== JSON.stringify(was[name])) patch[name] = now[name] === "" ? null : now[name];
  }
  if (held.place && !same(held.place, base)) Object.assign(patch, position());
  return patch;
}

/** The place for the service: as it was pasted, else as the pin stands. */
function position() {
  return held.given ?? { lat: held.place.lat, lng: held.place.lng, datum: "wgs84" };
}

function fill(store) {
  const fields = shown(store);
  for (const name of TEXTS) form.elements[name].value = fields[name];
  form.elements.tags.value = store.tags.join("; ");
  byId("title").textContent = store.name;
  const extra = Object.entries(store.extra);
  byId("extras").hidden = extra.length === 0;
  byId("extras").querySelector("dl").replaceChildren(...extra.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
  const marks = [el("span", { class: "badge" }, t(`${store.groups} 个群`, `${store.groups} groups`))];
  if (!store.has_code && store.status === "active") marks.push(el("span", { class: "badge bad" }, t("没有可用的码", "No usable code")));
  if (store.has_service_area) marks.push(el("span", { class: "badge" }, t("有服务范围", "Has a service area")));
  byId("marks").replaceChildren(...marks);
  warn(store.warnings);
}

function warn(list) {
  byId("warnings").replaceChildren(...list.map((it) => el("li", {}, WARNED[it.code] ? `${WARNED[it.code]}。` : it.message, WARNED[it.code] ? el("span", { class: "soft", lang: "en" }, ` ${it.message}`) : null)));
}

/** Puts the pin somewhere, and says how far that is from where it was. */
function place(at, { look = false, given = null } = {}) {
  held.place = { lat: at.lat, lng: at.lng };
  held.given = given;
  map.setPin(held.place, { draggable: may("ops"), onmove: (to) => place(to) });
  if (look) map.setView(held.place, Math.max(16, map.view.zoom));
  byId("position").textContent = `${held.place.lat.toFixed(6)}, ${held.place.lng.toFixed(6)} (WGS-84)`;
  const moved = held.store && !same(held.place, held.store) ? metres(held.store, held.place) : 0;
  const text = moved < 1 ? `${moved.toFixed(1)} m` : distanceText(moved);
  byId("moved").textContent = moved > 0 ? t(`移动了 ${text}`, `moved by ${text}`) : "";
  byId("back").hidden = moved === 0;
  map.setLines(moved > 0 ? [{ from: held.store, to: held.place, kind: "moved" }] : []);
}

async function load() {
  const { data, etag } = await api("GET", path());
  Object.assign(held, { store: data, etag });
  fill(data);
  map.choose(data.id);
  place(data, { look: true });
}

/** Shows what the service refuses beside its field, or below. */
function refuse(error) {
  for (const it of form.querySelectorAll("small.error")) it.remove();
  for (const it of form.querySelectorAll("[aria-invalid]")) it.removeAttribute("aria-invalid");
  const rest = [];
  for (const it of error.errors ?? []) {
    const input = form.elements[it.field];
    const words = fault(it, OWN);
    if (!input) {
      rest.push(it.field === "lat" || it.field === "lng" ? t("请先在地图上放好位置", "Put the store on the map first") : words);
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    input.closest("label").append(el("small", { class: "error" }, words));
  }
  const text = rest.length > 0 ? [...new Set(rest)].join(" ") : error.errors?.length ? "" : fault({ code: error.problem?.code, message: error.message }, OWN);
  byId("problem").textContent = text;
  form.querySelector("[aria-invalid]")?.focus();
}

function settled({ data, etag }) {
  Object.assign(held, { store: data, etag });
  fill(data);
  place(data);
  follow();
  refuse({ errors: [], message: "", problem: {} });
  toast(t("已发布,马上生效", "Published, and live at once"));
}

/** Somebody else was quicker: shows both, and lets the person choose. */
async function stale() {
  const base = held.store;
  const patch = changed(base);
  const { data, etag } = await api("GET", path());
  const [theirs, was] = [shown(data), shown(base)];
  const lines = Object.keys(theirs)
    .filter((it) => JSON.stringify(theirs[it]) !== JSON.stringify(was[it]) || it in patch)
    .map((it) => el("tr", {}, el("th", { scope: "row" }, NAMES[it]), el("td", {}, String(theirs[it])), el("td", {}, it in patch ? String(patch[it] ?? "") : "—")));
  if (!same(data, base) || patch.lat !== undefined) {
    const far = (it) => (same(it, base) ? "—" : t(`移动 ${distanceText(metres(base, it))}`, `moved by ${distanceText(metres(base, it))}`));
    lines.push(el("tr", {}, el("th", { scope: "row" }, NAMES.position), el("td", {}, far(data)), el("td", {}, far(held.place))));
  }
  const dialog = byId("stale");
  dialog.querySelector("tbody").replaceChildren(...lines);
  dialog.onclick = async (event) => {
    const choice = event.target.closest("menu button")?.value;
    if (!choice) return;
    dialog.close();
    if (choice === "theirs") return settleTheirs(data, etag);
    try {
      settled(await api("PATCH", path(), patch, { etag }));
    } catch (error) {
      refuse(error);
    }
  };
  dialog.showModal();
}

function settleTheirs(data, etag) {
  Object.assign(held, { store: data, etag });
  fill(data);
  place(data, { look: true });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const save = byId("save");
  save.disabled = true;
  try {
    if (isNew) {
      const fields = Object.fromEntries(Object.entries(mine()).filter(([, it]) => it !== ""));
      const { data } = await api("POST", "stores", { ...fields, ...(held.place ? position() : { datum: "wgs84" }) });
      location.assign(`/admin/stores/${encodeURIComponent(data.id)}`);
      return;
    }
    const patch = changed(held.store);
    if (Object.keys(patch).length === 0) toast(t("没有改动", "Nothing has changed"));
    else settled(await api("PATCH", path(), patch, { etag: held.etag }));
  } catch (error) {
    if (error.status === 412) await stale().catch(complain);
    else refuse(error);
  } finally {
    save.disabled = false;
  }
});

const read = later(async () => {
  const line = byId("recognised");
  const text = byId("paste").value.trim();
  line.className = "soft";
  line.textContent = "";
  if (!text) return;
  try {
    const { data } = await api("POST", "positions/parse", { text, datum: byId("datum").value });
    const notes = data.notes.map((it) => NOTES[it]).filter(Boolean);
    line.textContent = [`${SITES[data.recognised]} · ${DATUMS[data.given_datum]}`, ...notes].join(" · ");
    place(data, { look: true });
  } catch (error) {
    line.className = "error";
    line.textContent = error.errors?.length ? fault(error.errors[0], OWN) : error.message;
  }
}, 250);

byId("paste").addEventListener("input", read);
byId("datum").addEventListener("change", read);
byId("back").addEventListener("click", () => place(held.store, { look: true }));
byId("here").addEventListener("click", () => place(map.view.centerPlace()));
if (isNew) map.onpick = (at) => held.place || place(at);
map.onstore = (id) => {
  if (id !== form.dataset.id) location.assign(`/admin/stores/${encodeURIComponent(id)}`);
};
byId("remove")?.addEventListener("click", async () => {
  const { store } = held;
  const owned = store.groups + store.contacts > 0 || store.has_service_area;
  const question = owned
    ? t(`删除“${store.name}”,连同它的 ${store.groups} 个群、${store.contacts} 个联系人?暂停营业通常就够了。`, `Delete ${store.name} with its ${store.groups} groups and ${store.contacts} contacts? Pausing it is mostly enough.`)
    : t(`删除“${store.name}”?`, `Delete ${store.name}?`);
  if (!(await ask(question, { yes: t("删除", "Delete"), dangerous: true }))) return;
  try {
    await api("DELETE", `${path()}${owned ? "?with_groups=true" : ""}`, undefined, { etag: held.etag });
    held.store = null;
    location.assign("/admin/stores");
  } catch (error) {
    complain(error);
  }
});
window.addEventListener("beforeunload", (event) => {
  if (held.store && Object.keys(changed(held.store)).length > 0) event.preventDefault();
});
if (!may("ops")) for (const it of form.elements) if (it.matches("input, select") && it.closest(".fields")) it.disabled = true;
if (!isNew) load().catch(complain);
