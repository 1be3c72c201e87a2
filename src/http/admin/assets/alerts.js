// The page of alerts: the urgent kinds first, each with what to do and where.
import { api, complain, el, t } from "./admin.js";

const FIRST = 8;
const place = document.getElementById("alerts");
const pick = (it) => t(it.zh, it.en);

function age(since) {
  if (!since) return "";
  const hours = (Date.now() - new Date(since)) / 3_600_000;
  if (hours < 1) return t("刚刚", "just now");
  if (hours < 48) return t(`${Math.floor(hours)} 小时前开始`, `for ${Math.floor(hours)} hours`);
  return t(`${Math.floor(hours / 24)} 天前开始`, `for ${Math.floor(hours / 24)} days`);
}

const line = (it) =>
  el("li", {}, el("div", {}, pick(it.title), it.since ? el("small", {}, age(it.since)) : null), el("a", { class: "button", href: it.link, "aria-label": t(`处理:${it.title.zh}`, `Mend: ${it.title.en}`) }, t("处理", "Mend")));

function section(kind, items) {
  const list = el("ul", {}, items.map(line));
  const footer = el("footer", { class: "row" });
  let page = 0;
  const more = async () => {
    try {
      page += 1;
      const { data: next } = await api("GET", `alerts?kind=${kind.kind}&per_page=50&page=${page}`);
      if (page === 1) list.replaceChildren();
      list.append(...next.items.map(line));
      foot(list.children.length);
    } catch (error) {
      complain(error);
    }
  };
  const foot = (shown) => {
    const left = kind.listed - shown;
    footer.replaceChildren(
      ...(left > 0 ? [el("button", { type: "button", onclick: more }, t(`再看 ${left} 条`, `Show ${left} more`))] : []),
      ...(kind.count > kind.listed ? [el("span", { class: "soft" }, t(`共 ${kind.count} 条,先处理这些`, `${kind.count} in all; mend these first`))] : []),
    );
    footer.hidden = footer.children.length === 0;
  };
  foot(items.length);
  const badge = el("span", { class: `badge ${kind.severity === "now" ? "bad" : "warn"}` }, String(kind.count));
  return el("section", { class: `card alert-kind ${kind.severity}`, id: kind.kind }, el("header", {}, el("h2", {}, pick(kind.name), badge), el("p", {}, pick(kind.todo))), list, footer);
}

try {
  const { data } = await api("GET", `alerts?each=${FIRST}&per_page=200`);
  const sections = data.kinds.map((kind) => section(kind, data.items.filter((it) => it.kind === kind.kind)));
  place.replaceChildren(
    ...(sections.length ? sections : [el("div", { class: "card all-good" }, el("strong", {}, t("一切正常", "All is well")), el("span", { class: "soft" }, t("没有需要处理的事", "Nothing needs a person")))]),
  );
  document.getElementById("at").textContent = t(`${data.at.slice(11, 16)} 检查`, `Looked at ${data.at.slice(11, 16)}`);
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch (error) {
  complain(error);
}
