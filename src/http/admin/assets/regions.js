// The map of regions: a list to look through, the map beside it, and a file that is checked before it is published.

import { api, complain, el, later, t, toast } from "./admin.js";
import { ChainMap, followChain } from "./map.js";

const LEVELS = { province: t("省", "Province"), city: t("市", "City"), district: t("区县", "District"), area: t("商圈", "Area") };
const PER_PAGE = 100;
const SHOWN_MAX = 50;
const byId = (id) => document.getElementById(id);
const rows = byId("rows");
const filters = byId("filters");
const map = new ChainMap(byId("map"));
const follow = followChain(map);
map.onstore = (id) => location.assign(`/admin/stores/${encodeURIComponent(id)}`);
let page = 1;
let running = null;

/** The corners of a square around a circle, for the view. */
function around({ lat, lng, radius_m: radius }) {
  const [dy, dx] = [(radius / 111320) * 0.8, (radius / (111320 * Math.max(0.05, Math.cos((lat * Math.PI) / 180)))) * 0.8];
  return [{ lat: Math.max(-85, lat - dy), lng: lng - dx }, { lat: Math.min(85, lat + dy), lng: lng + dx }];
}

const line = (it) =>
  el("li", {}, el("button", { type: "button", onclick: () => map.fit(around(it)) }, el("span", {}, it.name, " ", el("small", { class: "soft" }, it.code)), el("span", { class: "badge" }, LEVELS[it.level])));

async function load(isMore = false) {
  running?.abort();
  running = new AbortController();
  page = isMore ? page + 1 : 1;
  const query = new URLSearchParams({ page, per_page: PER_PAGE });
  for (const [name, value] of new FormData(filters)) if (value.trim()) query.set(name, value.trim());
  try {
    const { data } = await api("GET", `regions?${query}`, undefined, { signal: running.signal });
    if (!isMore) rows.replaceChildren();
    rows.append(...data.items.map(line));
    byId("total").textContent = t(`${data.total} 个`, `${data.total} in all`);
    byId("more").hidden = page * PER_PAGE >= data.total;
    byId("none").hidden = data.total > 0;
    return data;
  } catch (error) {
    complain(error);
    return null;
  }
}

filters.addEventListener("input", later(() => load(), 160));
filters.addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => load(true));
load().then((data) => data?.items.length && map.fit(data.items.slice(0, 40).flatMap(around)));

const form = byId("import");
async function send(isDry) {
  const query = new URLSearchParams({ datum: form.elements.datum.value, dry_run: String(isDry), accept_crossings: String(form.elements.accept_crossings.checked) });
  const body = new FormData();
  body.append("file", form.elements.file.files[0]);
  const { data } = await api("POST", `regions/import?${query}`, body);
  return data;
}

function tell(report) {
  const said = (it) => el("li", {}, it.row ? t(`第 ${it.row} 个: `, `Feature ${it.row}: `) : "", it.message);
  const list = (title, kind, items) => (items.length ? [el("p", { class: kind }, `${title} (${items.length})`), el("ul", {}, items.slice(0, SHOWN_MAX).map(said))] : []);
  byId("report").replaceChildren(
    el("p", {}, t(`新增 ${report.created},修改 ${report.updated},不变 ${report.unchanged},拒绝 ${report.rejected}`, `${report.created} new, ${report.updated} changed, ${report.unchanged} the same, ${report.rejected} refused`)),
    ...list(t("问题", "Problems"), "error", report.problems),
    ...list(t("提醒", "Warnings"), "soft", report.warnings),
  );
  const isGood = report.problems.length === 0 && report.created + report.updated + report.removed > 0;
  byId("apply").hidden = !isGood;
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  byId("check").disabled = true;
  send(true).then(tell, complain).finally(() => (byId("check").disabled = false));
});
form?.addEventListener("input", () => (byId("apply").hidden = true));
byId("apply")?.addEventListener("click", () => {
  byId("apply").disabled = true;
  send(false)
    .then((report) => {
      tell(report);
      byId("apply").hidden = true;
      toast(t("已发布,马上生效", "Published, and live at once"));
      follow();
      return load();
    })
    .catch(complain)
    .finally(() => (byId("apply").disabled = false));
});
