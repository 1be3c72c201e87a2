// The page of numbers: asks for a period, shows figures, charts that the server draws, tables and the ranking.
import { api, complain, el, later, t } from "./admin.js";

const form = document.getElementById("period");
const stages = [
  ["scanned", t("扫码", "Scanned")],
  ["located", t("已定位", "Located")],
  ["shown", t("看到群码", "Saw a code")],
  ["pressed", t("长按", "Pressed")],
  ["joined", t("入群", "Joined")],
  ["left", t("退群", "Left")],
];
const words = {
  mode: { group: t("直接进群", "Group at once"), contact: t("先加店长", "Manager first"), "": t("未显示", "Not shown") },
  source: {
    gps: t("手机定位", "The phone's position"),
    chosen: t("顾客自选", "Chosen by hand"),
    previous: t("上次门店", "The last store"),
    ip: t("网络地址", "The network address"),
    none: t("未知", "Unknown"),
  },
};
let by = "store";
let ranked = "store";
let page = 1;
let duel = [];
let asked;
let drawn;

const number = (it) => it.toLocaleString(t("zh-CN", "en"));
const percent = (part, of) => (of > 0 ? `${((part / of) * 100).toFixed(1)} %` : "–");
const query = (more = {}) => {
  const all = { ...Object.fromEntries(new FormData(form)), ...more };
  return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== "" && value !== undefined)).toString();
};

function table(head, rows, caption) {
  return el(
    "table",
    {},
    el("caption", { class: "soft" }, caption),
    el("thead", {}, el("tr", {}, head.map((it, place) => el("th", { scope: "col", class: place ? "number" : null }, it)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((it, place) => el(place ? "td" : "th", { class: place ? "number" : null, scope: place ? null : "row" }, it))))),
  );
}

const counts = (it) => stages.map(([key]) => number(it[key]));

function change(now, before) {
  if (before === 0) return el("span", { class: "change" }, now ? t("上期没有", "none before") : t("和上期一样", "as before"));
  const share = ((now - before) / before) * 100;
  const sign = share > 0 ? "up" : share < 0 ? "down" : "";
  const arrow = share > 0 ? "↑" : share < 0 ? "↓" : "→";
  return el("span", { class: `change ${sign}`, title: t(`上期 ${number(before)}`, `${number(before)} before`) }, `${arrow} ${Math.abs(share).toFixed(1)} %`);
}

function figures({ total, before }) {
  const shown = stages.filter(([key]) => key !== "left" || total.left > 0);
  document.getElementById("figures").replaceChildren(
    ...shown.map(([key, name]) => el("div", {}, el("dt", {}, name), el("dd", {}, number(total[key]), change(total[key], before[key])))),
  );
}

function name(row) {
  return words[by]?.[row.key] ?? (row.name || t("(无)", "(none)"));
}

function tables(data) {
  const head = stages.map(([, it]) => it);
  document.getElementById("days-table").replaceChildren(
    table([t("日期", "Day"), ...head], data.days.map((it) => [it.day, ...counts(it.counts)]), t("每天", "Day by day")),
  );
  document.getElementById("stages-table").replaceChildren(
    table(
      [t("环节", "Stage"), t("本期", "This period"), t("占扫码", "Of scans"), t(`上期 ${data.before_from} 至 ${data.before_to}`, `${data.before_from} to ${data.before_to}`)],
      stages.map(([key, it]) => [it, number(data.total[key]), percent(data.total[key], data.total.scanned), number(data.before[key])]),
      t("走到哪一步", "How far people went"),
    ),
  );
  const more = data.rows_total - data.rows.length;
  document.getElementById("rows-table").replaceChildren(
    table(["", ...head], data.rows.map((it) => [name(it), ...counts(it.counts)]), t("比较", "Compared")),
    more > 0 ? el("p", { class: "soft" }, t(`还有 ${number(more)} 行,请下载`, `${number(more)} more rows are in the download`)) : "",
  );
}

function routes(data) {
  const has = (data.routes?.routes ?? []).some((it) => it.pressed);
  document.getElementById("routes").hidden = !has;
  const it = data.routes?.pressed_difference;
  const points = (share) => `${share > 0 ? "+" : ""}${(share * 100).toFixed(1)}`;
  const said = !it
    ? t("只有一种方式有数据,还不能比较。", "Only one of the routes has numbers so far.")
    : it.low > 0 || it.high < 0
      ? t(`「先加店长」比「直接进群」${points(it.difference)} 个百分点(${points(it.low)} 至 ${points(it.high)}),差别可信。`, `"Manager first" less "group at once": ${points(it.difference)} points (${points(it.low)} to ${points(it.high)}). The difference is real.`)
      : t(`相差 ${points(it.difference)} 个百分点(${points(it.low)} 至 ${points(it.high)}),还可能是偶然,请继续收集。`, `They differ by ${points(it.difference)} points (${points(it.low)} to ${points(it.high)}), which may be chance; go on collecting.`);
  document.getElementById("verdict").textContent = said;
}

/** Charts are drawn by the server as wide as their place is. */
function charts() {
  for (const place of document.querySelectorAll(".chart")) {
    if (!place.checkVisibility()) continue;
    const width = Math.min(1600, Math.max(280, Math.floor(place.clientWidth)));
    const source = `/api/v1/admin/funnel/chart.svg?${query({ part: place.dataset.part, by, width, lang: t("zh", "en") })}`;
    if (place.firstChild?.dataset?.source === source) continue;
    const title = place.closest("section").querySelector("h2").textContent;
    const picture = el("img", { src: source, alt: t(`图:${title},数字见下表`, `Chart: ${title}; the table below has the numbers`), width, "data-source": source });
    picture.decode().then(
      () => place.replaceChildren(picture),
      () => {},
    );
  }
  drawn = document.documentElement.clientWidth;
}

async function load() {
  const wrong = document.getElementById("wrong");
  asked?.abort();
  asked = new AbortController();
  for (const it of document.querySelectorAll(".presets button")) {
    it.setAttribute("aria-pressed", String(it.dataset.from === form.elements.from.value && it.dataset.to === form.elements.to.value));
  }
  document.getElementById("get-xlsx").href = `/api/v1/admin/funnel?${query({ by: `day,${by}`, count: "", format: "xlsx" })}`;
  document.getElementById("get-csv").href = `/api/v1/admin/funnel?${query({ by: `day,${by}`, count: "", format: "csv" })}`;
  history.replaceState(null, "", `?${query({ by })}`);
  try {
    const { data } = await api("GET", `numbers?${query({ by })}`, undefined, { signal: asked.signal });
    wrong.hidden = true;
    figures(data);
    tables(data);
    routes(data);
    charts();
  } catch (error) {
    if (error.name === "AbortError") return;
    wrong.textContent = error.errors?.[0] ? `${error.errors[0].field} ${error.errors[0].message}` : error.message;
    wrong.hidden = false;
  }
}

async function rank() {
  for (const format of ["xlsx", "csv"]) {
    document.getElementById(`ranking-${format}`).href = `/api/v1/admin/ranking?${query({ by: ranked, count: "", format })}`;
  }
  try {
    const { data } = await api("GET", `ranking?${query({ by: ranked, count: "", page, per_page: 20 })}`);
    const joins = !form.elements.campaign.value;
    const visits = ["joined", "pressed", "scanned"];
    const head = ["", ranked === "store" ? t("门店", "Store") : t("店长", "Manager"), t("留下", "Stayed"), t("入群和加好友", "Joins"), ...visits.map((key) => (key === "joined" ? t("扫码后入群", "Joined after a scan") : stages.find(([it]) => it === key)[1])), t("比一比", "Compare")];
    const who = (it) =>
      ranked === "store"
        ? [it.name, el("span", { class: "sub" }, it.id)]
        : [it.name || t("(没有店长)", "(no manager)"), el("span", { class: "sub" }, it.stores.join("、") + (it.stores_count > it.stores.length ? t(` 等 ${it.stores_count} 家`, ` and ${it.stores_count - it.stores.length} more`) : ""))];
    const pick = (it) => {
      const name = t(`比一比:${it.name || it.id}`, `Compare ${it.name || it.id}`);
      return el("input", { type: "checkbox", "aria-label": name, checked: duel.includes(it.id), disabled: !it.id, onchange: (event) => chooseForDuel(it.id, event.target) });
    };
    const rows = data.items.map((it) =>
      el(
        "tr",
        {},
        el("td", {}, String(it.rank)),
        el("td", {}, who(it)),
        ...[it.joins.stayed, it.joins.joined].map((count) => el("td", { class: "number" }, joins ? number(count) : "–")),
        ...visits.map((key) => el("td", { class: "number" }, number(it.visitors[key]))),
        el("td", { class: "number" }, pick(it)),
      ),
    );
    document.getElementById("ranking").replaceChildren(
      data.total
        ? el("table", {}, el("thead", {}, el("tr", {}, head.map((it, place) => el("th", { scope: "col", class: place > 1 ? "number" : null }, it)))), el("tbody", {}, rows))
        : el("p", { class: "empty" }, t("这段时间没有扫码", "Nobody scanned in this period")),
    );
    const last = Math.max(1, Math.ceil(data.total / data.per_page));
    const turn = (to, text) => el("button", { type: "button", disabled: to < 1 || to > last, onclick: () => ((page = to), rank()) }, text);
    document.getElementById("pages").replaceChildren(
      ...(last > 1 ? [turn(page - 1, t("上一页", "Previous")), el("span", { class: "soft" }, `${page} / ${last}`), turn(page + 1, t("下一页", "Next"))] : []),
    );
  } catch (error) {
    complain(error);
  }
}

/** Two at a time: a third takes the place of the first. */
function chooseForDuel(id, box) {
  duel = box.checked ? [...duel.filter((it) => it !== id), id] : duel.filter((it) => it !== id);
  if (duel.length > 2) {
    duel.shift();
    rank();
  }
  fight();
}

async function fight() {
  const place = document.getElementById("duel");
  place.hidden = duel.length < 2;
  if (place.hidden) return;
  const [one, other] = duel;
  const asks = { by: ranked, count: "", campaign: "", one, other };
  for (const format of ["xlsx", "csv"]) document.getElementById(`duel-${format}`).href = `/api/v1/admin/ranking/duel?${query({ ...asks, format })}`;
  try {
    const { data } = await api("GET", `ranking/duel?${query(asks)}`);
    const sides = [data.one, data.other];
    const line = (what, of, wins = true) => {
      const [a, b] = sides.map(of);
      const cell = (it, against) => el("td", { class: wins && it > against ? "number better" : "number" }, number(it));
      return el("tr", {}, el("th", { scope: "row" }, what), cell(a, b), cell(b, a));
    };
    document.getElementById("duel-table").replaceChildren(
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), ...sides.map((it) => el("th", { scope: "col", class: "number" }, it.name || it.id)))),
        el(
          "tbody",
          {},
          line(t("留下", "Stayed"), (it) => it.joins.stayed),
          line(t("入群", "Joined a group"), (it) => it.joins.groups),
          line(t("加好友", "Became a contact"), (it) => it.joins.contacts),
          line(t("离开", "Left"), (it) => it.joins.left, false),
          line(t("扫码后入群", "Joined after a scan"), (it) => it.visitors.joined),
          line(t("长按", "Pressed"), (it) => it.visitors.pressed),
          line(t("扫码", "Scanned"), (it) => it.visitors.scanned),
        ),
      ),
    );
    const most = Math.max(1, ...data.days.flatMap((it) => [it.one.stayed, it.other.stayed]));
    const bar = (it) => el("td", {}, el("meter", { min: 0, max: most, value: it.stayed }), " ", el("span", { class: "number" }, number(it.stayed)));
    document.getElementById("duel-days").replaceChildren(
      el(
        "table",
        {},
        el("caption", { class: "soft" }, t("每天加入并留下的人", "Who joined each day and stayed")),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("日期", "Day")), ...sides.map((it) => el("th", { scope: "col" }, it.name || it.id)))),
        el("tbody", {}, data.days.map((it) => el("tr", {}, el("th", { scope: "row" }, it.day), bar(it.one), bar(it.other)))),
      ),
    );
  } catch (error) {
    complain(error);
  }
}

function choose(group, attribute, act) {
  document.getElementById(group).addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    for (const it of button.parentNode.children) it.setAttribute("aria-pressed", String(it === button));
    act(button.dataset[attribute]);
  });
}

const all = () => ((page = 1), load(), rank(), fight());
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", all);
for (const it of document.querySelectorAll(".presets button")) {
  it.addEventListener("click", () => {
    form.elements.from.value = it.dataset.from;
    form.elements.to.value = it.dataset.to;
    all();
  });
}
choose("by", "by", (it) => ((by = it), load()));
choose("ranked-by", "ranked", (it) => ((ranked = it), (page = 1), (duel = []), rank(), fight()));
addEventListener("resize", later(() => document.documentElement.clientWidth !== drawn && charts()));
const before = new URLSearchParams(location.search);
for (const field of ["from", "to", "campaign", "count"]) if (before.get(field)) form.elements[field].value = before.get(field);
const kept = document.querySelector(`#by [data-by="${CSS.escape(before.get("by") ?? "")}"]`);
if (kept) kept.click();
else load();
rank();
