// Records that storage refuses: why, what they hold, and a way to send them again.
import { api, ask, complain, el, t, toast } from "./admin.js";
import { when } from "./dialogs.js";

const letters = document.getElementById("letters");
const more = document.getElementById("more");
const all = document.getElementById("all");
const kinds = { visit: t("访问", "visit"), step: t("步骤", "step") };
let page = 0;

async function sendAgain(path) {
  const { data } = await api("POST", `dead-letters/${path}`);
  toast(t(`已重新发送 ${data.retried} 条`, `${data.retried} sent again`));
  await show(false);
}

function letter(it) {
  const button = el("button", { type: "button", onclick: () => sendAgain(`${it.seq}/retry`).catch(complain) }, t("重新发送", "Send again"));
  const record = typeof it.record === "string" ? it.record : JSON.stringify(it.record, null, 2);
  return el(
    "li",
    { class: "card", "data-seq": String(it.seq) },
    el("div", { class: "row spread" }, el("p", {}, el("b", {}, `#${it.seq}`), " ", el("span", { class: "badge" }, kinds[it.kind] ?? t("未知", "unknown"))), button),
    el("p", {}, it.cause),
    it.at && el("p", { class: "soft" }, when(it.at)),
    el("details", {}, el("summary", {}, t("记录", "Record")), el("pre", {}, record)),
  );
}

async function show(isMore) {
  page = isMore ? page + 1 : 1;
  const { data } = await api("GET", `dead-letters?page=${page}`);
  if (!isMore) letters.replaceChildren();
  letters.append(...data.items.map(letter));
  if (!letters.children.length) letters.append(el("li", { class: "card empty" }, t("没有死信", "There are none")));
  more.hidden = data.page * data.per_page >= data.total;
  all.hidden = data.total === 0;
}

all.addEventListener("click", async () => {
  const is = await ask(t("重新发送全部死信?", "Send all dead letters again?"));
  if (is) sendAgain("retry").catch(complain);
});
more.addEventListener("click", () => show(true).catch(complain));
show(false).catch(complain);
