// Visitors: found by id or token, seen and erased; and the latest visits.
import { Refused, api, ask, complain, el, reveal, t, toast } from "./admin.js";
import { when } from "./dialogs.js";

const find = document.getElementById("find");
const one = document.getElementById("one");
const filter = document.getElementById("filter");
const rows = document.getElementById("rows");
const more = document.getElementById("more");
// Further back, those of one store or region are looked for among very many visits.
const DAYS = 31;
let page = 1;
let bounded = "";

const sources = { gps: t("定位", "position"), chosen: t("自选", "own choice"), previous: t("上次门店", "last store"), ip: t("网络地址", "address"), none: t("未知", "unknown") };
const outcomes = { routed: t("已分配", "routed"), choose: t("请选择", "asked to choose"), out_of_reach: t("附近无店", "out of reach"), unknown_place: t("位置未知", "unknown place") };
const steps = { pressed: t("长按二维码", "pressed the code"), refused: t("拒绝定位", "refused the position"), not_mine: t("不是这家店", "not this store"), joined: t("已入群", "joined"), left: t("已退群", "left") };
const identities = { customer: t("企业微信客户", "WeCom customer"), unionid: "unionid", openid: "openid" };
const seatStates = { held: t("占用至", "held until"), given_back: t("已释放", "given back"), confirmed: t("已入群", "joined") };
const place = (tag) => [...new Set([tag.province, tag.city, tag.district, ...tag.areas])].filter(Boolean).join(" · ") || "—";

function visit(tag, isOne) {
  const open = () => look(tag.visitor);
  const visitor = el("button", { type: "button", class: "link id", title: tag.visitor, onclick: open }, `…${tag.visitor.slice(-8)}`);
  return el("tr", {}, el("td", {}, when(tag.at)), !isOne && el("td", {}, visitor), el("td", {}, place(tag)), el("td", {}, tag.store ?? "—"),
    el("td", {}, tag.campaign), el("td", {}, sources[tag.source] ?? tag.source), el("td", {}, outcomes[tag.outcome] ?? tag.outcome));
}

async function erase(visitor) {
  const question = t("抹除此访客的全部记录？无法恢复，统计数字保留。", "Erase everything held about this visitor? It cannot be undone; counts stay.");
  if (!(await ask(question, { yes: t("抹除", "Erase"), dangerous: true }))) return;
  const { data } = await api("DELETE", `visitors/${visitor}`);
  const { tags, steps: told, consents, seats, book } = data.removed;
  const silenced = data.customers_silenced;
  one.replaceChildren(el("article", { class: "card", id: "erased" },
    el("p", {}, t(`已抹除：访问 ${tags}、步骤 ${told}、同意 ${consents}、席位 ${seats}、身份与事件 ${book}`, `Erased: ${tags} visits, ${told} steps, ${consents} consents, ${seats} seats, ${book} identities and events`)),
    silenced > 0 && el("p", {}, t(`${silenced} 个企业微信客户的标签将被撤回；在此之前只保留其编号`, `The tags of ${silenced} WeCom customers are being taken back; until then only their ids stay`))));
  toast(t("已抹除", "Erased"));
  show(1).catch(complain);
}

function held(it) {
  const line = (what, items) => el("div", {}, el("h3", {}, `${what} (${items.length})`), items.length > 0 && el("ul", {}, items));
  const tags = el("div", { class: "scroll" }, el("table", { class: "stacked" }, el("tbody", {}, it.tags.map((tag) => visit(tag, true)))));
  return el("article", { class: "card held" },
    el("div", { class: "row spread" }, el("div", {}, el("h2", {}, t("访客", "Visitor")), el("code", {}, it.visitor)),
      el("button", { type: "button", class: "danger", onclick: () => erase(it.visitor).catch(complain) }, t("抹除此访客", "Erase this visitor"))),
    el("div", {}, el("h3", {}, `${t("访问", "Visits")} (${it.tags.length})`), it.tags.length > 0 && tags),
    line(t("步骤", "Steps"), it.steps.map((step) => el("li", {}, when(step.at), ` ${steps[step.step] ?? step.step}`))),
    line(t("同意的隐私说明", "Consents"), it.consents.map((consent) => el("li", {}, el("code", {}, consent.notice), " ", when(consent.first_at)))),
    line(t("群席位", "Seats in groups"), it.seats.map((seat) => el("li", {}, el("code", {}, seat.group), ` ${seatStates[seat.state] ?? seat.state} `, when(seat.at)))),
    line(t("身份", "Identities"), Object.entries(it.identities).filter(([, id]) => id).map(([kind, id]) => el("li", {}, `${identities[kind] ?? kind} `, el("code", {}, id)))),
    line(t("企业微信客户资料", "WeCom customers"), it.customers.map((customer) => el("li", {}, el("details", {}, el("summary", {}, el("code", {}, customer.external_userid)), el("pre", {}, JSON.stringify(customer.card, null, 1)))))),
    line(t("事件（供 CRM）", "Events for a CRM"), it.feed.map((entry) => el("li", {}, when(entry.at), " ", el("code", {}, entry.type)))),
    el("p", { id: "opted-out" }, it.opted_out ? t("已选择不将地区用于消息", "Has opted out: the region is not used for messages") : t("未选择退出", "Has not opted out")));
}

async function look(visitor) {
  try {
    const { data } = await api("GET", `visitors/${encodeURIComponent(visitor)}`);
    one.replaceChildren(held(data));
  } catch (refused) {
    if (!(refused instanceof Refused) || refused.status !== 400) throw refused;
    one.replaceChildren(el("p", { class: "card error", role: "alert" }, t("这既不是访客编号，也不是本服务签发的令牌", "This is neither the id of a visitor nor a token that was signed here")));
  }
  reveal(one, "nearest");
}

async function show(wanted) {
  page = wanted;
  const query = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
  for (const link of document.querySelectorAll("[data-format]")) link.href = `/api/v1/admin/tags/export?${query}&format=${link.dataset.format}`;
  query.set("page", page);
  const { data } = await api("GET", `tags?${query}`);
  if (page === 1) rows.replaceChildren();
  rows.append(...data.items.map((tag) => visit(tag, false)));
  if (!rows.children.length) rows.append(el("tr", {}, el("td", { colspan: "7", class: "empty" }, t("没有访问", "There are no visits"))));
  document.getElementById("total").textContent = t(`共 ${data.total} 次访问`, `${data.total} visits`);
  more.hidden = page * data.per_page >= data.total;
}

// One store or region is asked for since a month ago, once; whoever empties the field asks for all.
function bound() {
  const { store, region, from, to } = filter.elements;
  const wanted = [store.value.trim(), region.value.trim()].join("\n");
  if (wanted.trim() && wanted !== bounded && !from.value && !to.value) from.value = new Date(Date.now() - DAYS * 86400000).toISOString().slice(0, 10);
  bounded = wanted;
}

find.addEventListener("submit", (event) => (event.preventDefault(), look(new FormData(find).get("visitor").trim()).catch(complain)));
filter.addEventListener("submit", (event) => (event.preventDefault(), bound(), show(1).catch(complain)));
more.addEventListener("click", () => show(page + 1).catch(complain));
show(1).catch(complain);
