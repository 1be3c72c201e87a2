// Codes that are kept by machine: a dry run, a run, and what came of it.
import { api, ask, complain, el, t, toast } from "./admin.js";
import { when } from "./dialogs.js";

const state = document.getElementById("state");
const rows = document.getElementById("rows");
const off = document.getElementById("off");
const buttons = ["dry", "run", "reconcile"].map((id) => document.getElementById(id));
const [dry, run, reconcile] = buttons;
const kinds = { group: t("群", "group"), contact: t("联系人", "contact") };
const done = { made: t("新建", "made"), updated: t("更新", "updated"), problem: t("有问题", "problem") };
const would = { made: t("将新建", "would be made"), updated: t("将更新", "would be updated"), problem: t("有问题", "problem") };

function row(it, isDry) {
  const word = (isDry ? would : done)[it.action] ?? it.action;
  const badge = el("span", { class: it.action === "problem" ? "badge bad" : "badge" }, word);
  return el("li", { class: "card", "data-action": it.action }, el("p", {}, badge, " ", el("b", {}, it.name), " ", el("span", { class: "soft" }, `${kinds[it.kind] ?? it.kind} ${it.id}`)), it.code && el("p", { class: "soft" }, t(it.detail.zh, it.detail.en)));
}

function told(it) {
  const { kept, made, updated, problem } = it.counts;
  const what = it.dry_run ? t("试运行", "Dry run") : t("同步", "Sync");
  const end = it.ended_at ? when(it.ended_at).textContent : t("进行中…", "under way…");
  return t(`${what}(${it.by},${end}):${kept} 个不变,${made} 个新建,${updated} 个更新,${problem} 个有问题`, `${what} (${it.by}, ${end}): ${kept} kept, ${made} made, ${updated} updated, ${problem} with problems`);
}

async function show() {
  const { data } = await api("GET", "wecom/sync");
  off.hidden = data.is_set_up;
  const isBusy = Boolean(data.run && !data.run.ended_at);
  buttons.forEach((it) => { it.disabled = isBusy || !data.is_set_up; });
  state.textContent = data.run ? told(data.run) : "";
  rows.replaceChildren();
  if (data.run?.error) {
    const advice = data.run.advice && t(data.run.advice.zh, data.run.advice.en);
    rows.append(el("li", { class: "card", "data-action": "error" }, el("p", {}, el("span", { class: "badge bad" }, t("中断", "ended early")), " ", data.run.error), advice && el("p", {}, advice)));
  }
  rows.append(...(data.run?.rows ?? []).map((it) => row(it, data.run.dry_run)));
  if (isBusy) setTimeout(() => show().catch(complain), 1000);
}

async function start(isDry) {
  await api("POST", `wecom/sync?dry_run=${isDry}`);
  await show();
}

dry.addEventListener("click", () => start(true).catch(complain));
run.addEventListener("click", async () => {
  const is = await ask(t("在企业微信里建立和更新活码,并立即发布?", "Make and update codes in WeCom, and publish them at once?"));
  if (is) start(false).catch(complain);
});
reconcile.addEventListener("click", async () => {
  try {
    await api("POST", "wecom/reconcile");
    toast(t("已开始核对", "It has begun"));
  } catch (error) {
    complain(error);
  }
});
show().catch(complain);
