// Records that storage refuses and jobs that were given up: why, what they hold, and a way to have them sent or done again.
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

const jobs = document.getElementById("jobs");
const lanes = document.getElementById("lanes");
const moreJobs = document.getElementById("more-jobs");
const allJobs = document.getElementById("all-jobs");
const laneNames = { event: t("企业微信事件", "Events"), tag: t("客户标签", "Tags"), reconcile: t("核对", "Reconciling") };
let jobsPage = 0;

async function doAgain(which) {
  const { data } = await api("POST", "dead-jobs/retry", which);
  toast(t(`已重新执行 ${data.retried} 个`, `${data.retried} to be done again`));
  await showJobs(false);
}

function ago(seconds) {
  if (seconds < 120) return t(`${seconds} 秒`, `${seconds} s`);
  return seconds < 7200 ? t(`${Math.round(seconds / 60)} 分钟`, `${Math.round(seconds / 60)} min`) : t(`${Math.round(seconds / 3600)} 小时`, `${Math.round(seconds / 3600)} h`);
}

function lane(it) {
  const late = it.oldest_s > 0 && t(`,最久已等 ${ago(it.oldest_s)}`, `, the oldest for ${ago(it.oldest_s)}`);
  return el("li", { "data-lane": it.lane }, el("b", {}, laneNames[it.lane] ?? it.lane), t(`:${it.waiting} 个等待`, `: ${it.waiting} waiting`), late, it.dead > 0 && el("span", {}, " · ", el("span", { class: "badge bad" }, t(`${it.dead} 个做不成`, `${it.dead} given up`))));
}

function deadJob(it) {
  const button = el("button", { type: "button", onclick: () => doAgain({ lane: it.lane, id: it.id }).catch(complain) }, t("重新执行", "Do again"));
  const body = typeof it.job === "string" ? it.job : JSON.stringify(it.job, null, 2);
  return el(
    "li",
    { class: "card", "data-job": it.id },
    el("div", { class: "row spread" }, el("p", {}, el("span", { class: "badge" }, laneNames[it.lane] ?? it.lane), " ", el("b", { class: "id" }, it.id)), button),
    el("p", {}, it.cause),
    it.advice && el("p", { class: "advice" }, el("b", {}, t("怎么办：", "What to do: ")), t(it.advice.zh, it.advice.en)),
    el("p", { class: "soft" }, when(it.at), " · ", t(`试过 ${it.tries} 次`, it.tries === 1 ? "tried once" : `tried ${it.tries} times`)),
    el("details", {}, el("summary", {}, t("内容", "Content")), el("pre", {}, body)),
  );
}

async function showJobs(isMore) {
  jobsPage = isMore ? jobsPage + 1 : 1;
  const { data } = await api("GET", `dead-jobs?page=${jobsPage}`);
  lanes.replaceChildren(...data.lanes.map(lane));
  if (!isMore) jobs.replaceChildren();
  jobs.append(...data.items.map(deadJob));
  if (!jobs.children.length) jobs.append(el("li", { class: "card empty" }, t("没有做不成的任务", "None was given up")));
  moreJobs.hidden = data.page * data.per_page >= data.total;
  allJobs.hidden = data.total === 0;
}

allJobs.addEventListener("click", async () => {
  const is = await ask(t("重新执行全部做不成的任务?", "Do all jobs again that were given up?"));
  if (is) doAgain({}).catch(complain);
});
moreJobs.addEventListener("click", () => showJobs(true).catch(complain));
showJobs(false).catch(complain);
