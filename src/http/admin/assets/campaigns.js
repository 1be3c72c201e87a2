// The list of campaigns.
import { api, complain, el, t } from "./admin.js";

const list = document.getElementById("campaigns");
const standings = { running: ["good", t("进行中", "Running")], not_started: ["warn", t("未开始", "Not started")], ended: ["", t("已结束", "Ended")] };
const modes = { group: t("进群", "Group"), contact: t("加店长", "Contact"), split: t("对比", "Split") };
const day = (text) => new Date(text).toLocaleDateString(document.documentElement.lang, { year: "numeric", month: "short", day: "numeric" });

function entry(it) {
  const [kind, words] = standings[it.standing];
  const mode = it.mode === "split" ? `${modes.split} ${it.contact_percent}%` : modes[it.mode];
  const period = it.starts_at || it.ends_at ? `${it.starts_at ? day(it.starts_at) : ""} – ${it.ends_at ? day(it.ends_at) : ""}` : t("长期", "Always");
  const node = el("a", { class: "campaign card", href: `/admin/campaigns/${encodeURIComponent(it.slug)}` },
    el("img", { src: `/api/v1/admin/campaigns/${encodeURIComponent(it.slug)}/code.png?size=256`, width: "96", height: "96", alt: "", loading: "lazy" }),
    el("strong", {}, it.name),
    el("span", { class: "row" }, el("span", { class: `badge ${kind}` }, words), el("span", { class: "badge" }, mode)),
    el("small", {}, it.link),
    el("small", { class: "soft" }, period));
  if (it.colour) node.style.borderLeftColor = it.colour;
  return el("li", {}, node);
}

api("GET", "campaigns?per_page=200").then(({ data }) => {
  list.replaceChildren(...data.items.map(entry));
  list.removeAttribute("aria-busy");
}, complain);
