// The list of stores: search as you type, filters, order and pages; the address line holds all of it, so that it can be shared.

import { api, complain, el, later, t } from "./admin.js";

const PER_PAGE = 50;
const STATUS = { active: [t("营业", "Active"), "good"], paused: [t("暂停", "Paused"), "warn"], closed: [t("关闭", "Closed"), ""] };
export const WARNINGS = {
  too_close: t("与别家重叠", "On another store"),
  outside_region: t("不在所填区域", "Outside its region"),
  swapped: t("经纬度颠倒?", "Swapped?"),
  zero_zero: t("坐标为零", "At 0, 0"),
  datum_suspect: t("坐标系可疑", "Datum suspect"),
};

const form = document.getElementById("filters");
const rows = document.getElementById("rows");
const total = document.getElementById("total");
const state = { page: 1, sort: "" };
let running = null;

function fromAddress() {
  const query = new URLSearchParams(location.search);
  for (const name of ["q", "city", "status"]) form.elements[name].value = query.get(name) ?? "";
  form.elements.problem.checked = query.get("problem") === "true";
  state.page = Math.max(1, Number(query.get("page")) || 1);
  state.sort = query.get("sort") ?? "";
}

function asked() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim()) query.set(name, value.trim());
  if (state.sort) query.set("sort", state.sort);
  if (state.page > 1) query.set("page", state.page);
  return query;
}

function row(store) {
  const href = `/admin/stores/${encodeURIComponent(store.id)}`;
  const [status, kind] = STATUS[store.status];
  const badges = store.warnings.map((it) => el("span", { class: "badge warn" }, WARNINGS[it] ?? it));
  if (!store.has_code && store.status === "active") badges.push(el("span", { class: "badge bad" }, t("没有可用的码", "No usable code")));
  return el(
    "tr",
    { onclick: (event) => event.target.closest("a") || location.assign(href) },
    el("td", { class: "id" }, store.id),
    el("td", {}, el("a", { href }, store.name), store.address ? el("small", {}, store.address) : null),
    el("td", {}, [...new Set([store.province, store.city, store.district])].filter(Boolean).join(" · ")),
    el("td", {}, el("span", { class: `badge ${kind}` }, status)),
    el("td", { class: "number" }, String(store.groups)),
    el("td", {}, badges),
  );
}

function pager(data) {
  const pages = Math.max(1, Math.ceil(data.total / data.per_page));
  const go = (page) => () => {
    state.page = page;
    load();
    window.scrollTo({ top: 0 });
  };
  const numbers = [...new Set([1, data.page - 1, data.page, data.page + 1, pages])].filter((it) => it >= 1 && it <= pages);
  const buttons = numbers.map((it, index) => [
    index > 0 && it > numbers[index - 1] + 1 ? el("span", { class: "soft" }, "…") : null,
    el("button", { type: "button", onclick: go(it), "aria-current": it === data.page ? "page" : null }, String(it)),
  ]);
  document.getElementById("pager").replaceChildren(...(pages > 1 ? buttons.flat().filter(Boolean) : []));
}

async function load() {
  running?.abort();
  running = new AbortController();
  const query = asked();
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  for (const it of document.querySelectorAll(".sort")) {
    const isBy = state.sort.replace("-", "") === it.dataset.sort;
    it.setAttribute("aria-pressed", String(isBy));
    it.closest("th").setAttribute("aria-sort", !isBy ? "none" : state.sort.startsWith("-") ? "descending" : "ascending");
  }
  query.set("per_page", PER_PAGE);
  rows.setAttribute("aria-busy", "true");
  try {
    const { data } = await api("GET", `stores?${query}`, undefined, { signal: running.signal });
    rows.replaceChildren(...data.items.map(row));
    total.textContent = t(`${data.total.toLocaleString()} 家`, `${data.total.toLocaleString()} in all`);
    document.getElementById("none").hidden = data.total > 0;
    document.querySelector("table.stores").hidden = data.total === 0;
    pager(data);
    rows.removeAttribute("aria-busy");
  } catch (error) {
    if (error.name !== "AbortError") rows.removeAttribute("aria-busy");
    complain(error);
  }
}

const typed = later(() => {
  state.page = 1;
  load();
}, 160);
form.addEventListener("input", typed);
form.addEventListener("submit", (event) => event.preventDefault());
for (const it of document.querySelectorAll(".sort")) {
  it.addEventListener("click", () => {
    state.sort = state.sort === it.dataset.sort ? `-${it.dataset.sort}` : it.dataset.sort;
    state.page = 1;
    load();
  });
}
fromAddress();
load();
