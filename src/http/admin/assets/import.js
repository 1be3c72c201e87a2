// The page for imports: a file goes up, is compared, and is published once somebody has seen what it would do.
import { el, api, t, isChinese, toast, complain, ask, later, reveal, Refused } from "./admin.js";

const byId = (id) => document.getElementById(id);
const language = isChinese ? "zh" : "en";
const shownAtATime = 100;
const pollMs = 300;
const fieldNames = {
  id: t("编号", "id"), name: t("名称", "name"), address: t("地址", "address"), province: t("省", "province"), city: t("市", "city"), district: t("区", "district"),
  lat: t("纬度", "latitude"), lng: t("经度", "longitude"), datum: t("坐标系", "datum"), status: t("状态", "status"), hours: t("营业时间", "hours"),
  closures: t("临时闭店", "closures"), tags: t("标签", "tags"), zone: t("时区", "time zone"), link: t("链接", "link"), expires_at: t("过期时间", "expires"),
  group_url: t("群链接", "group link"), group_name: t("群名称", "group name"), group_capacity: t("群上限", "group capacity"), group_expires: t("群过期时间", "group link expires"), group_code: t("群码类型", "kind of code"),
  contact_url: t("店长链接", "manager's link"), contact_name: t("店长", "manager"), url: t("链接", "link"), code: t("码类型", "kind of code"), expires: t("过期时间", "expires"), members: t("人数", "members"), lnglat: t("经纬度", "longitude and latitude"), latlng: t("纬经度", "latitude and longitude"), time_zone: t("时区", "time zone"),
  capacity: t("上限", "capacity"), order: t("顺序", "order"), store: t("门店", "store"), region: t("区域", "region"), campaign: t("活动", "campaign"),
};
const nouns = { store: t("门店", "store"), group: t("群", "group"), contact: t("联系人", "contact"), campaign: t("活动", "campaign") };
const kinds = { created: [t("新增", "new"), "good"], updated: [t("更新", "changed"), "warn"], removed: [t("删除", "removed"), "bad"] };
const count = (number) => number.toLocaleString(isChinese ? "zh-CN" : "en");

let file = null;
let turn = 0;
const of = () => document.querySelector("input[name=of]:checked").value;
const mode = () => document.querySelector("input[name=mode]:checked").value;

function showOptions() {
  const what = of();
  byId("datum-field").hidden = what !== "stores";
  byId("kinds").textContent = what === "stores"
    ? t("Excel（.xlsx）、CSV 或 GeoJSON，最大 64 MB", "Excel (.xlsx), CSV or GeoJSON, up to 64 MB")
    : t("Excel（.xlsx）或 CSV，最大 64 MB", "Excel (.xlsx) or CSV, up to 64 MB");
  byId("template").href = `/api/v1/admin/${what}/template?lang=${language}`;
  byId("export").href = `/api/v1/admin/${what}/export?format=xlsx&lang=${language}`;
}

function showProgress(step, share) {
  byId("progress").hidden = step === null;
  byId("step").textContent = step ?? "";
  byId("share").textContent = share === null ? "" : `${Math.round(share * 100)} %`;
  if (share === null) byId("bar").removeAttribute("value");
  else byId("bar").value = share * 100;
}

/** Sends the file; fetch tells nothing of how far it is. */
function send(path, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/admin/${path}`);
    request.setRequestHeader("Accept", "application/json");
    const token = document.querySelector("meta[name=csrf]")?.content;
    if (token) request.setRequestHeader("X-CSRF-Token", token);
    request.upload.onprogress = (event) => event.lengthComputable && showProgress(t("正在上传", "Uploading"), event.loaded / event.total);
    request.onerror = () => reject(new Refused(0, { detail: t("上传中断，请检查网络后重试", "The upload broke off; check the network and try again") }));
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* no JSON is no answer of ours */ }
      if (request.status < 300) resolve(answer);
      else reject(new Refused(request.status, answer));
    };
    request.send(body);
  });
}

async function compare() {
  if (!file) return;
  const mine = ++turn;
  byId("result").replaceChildren();
  const query = new URLSearchParams({ dry_run: "true", background: "true", mode: mode() });
  if (of() === "stores" && byId("datum").value) query.set("datum", byId("datum").value);
  const form = new FormData();
  form.append("file", file, file.name);
  showProgress(t("正在上传", "Uploading"), 0);
  try {
    await follow(await send(`${of()}/import?${query}`, form), mine, false);
  } catch (error) {
    if (mine === turn) refuse(error);
  }
}

/** Looks at an import until it is over. */
async function follow(job, mine, isApplied) {
  while (mine === turn) {
    if (job.phase === "done" || job.phase === "failed") {
      showProgress(null, null);
      show((await api("GET", `imports/${job.id}?lang=${language}`)).data, isApplied);
      return;
    }
    if (job.phase === "reading") showProgress(t("正在读取表格", "Reading the sheet"), job.progress.done / Math.max(1, job.progress.total));
    else showProgress(isApplied ? t("正在发布", "Publishing") : t("正在比对", "Comparing"), null);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    job = (await api("GET", `imports/${job.id}?lang=${language}`)).data;
  }
}

function refuse(error) {
  showProgress(null, null);
  const isBusy = error.problem?.code === "import_under_way";
  const title = isBusy ? t("有人正在导入", "An import is under way") : t("没有导入", "Nothing was imported");
  const tooLarge = error.status === 413 ? t("文件超过 64 MB。请拆成几份，或用命令行导入。", "The file is larger than 64 MB. Divide it, or use the command line.") : null;
  const again = el("button", { type: "button", onclick: compare }, t("再试一次", "Try again"));
  put(banner("bad", title, [tooLarge ?? error.message], [again]));
}

function put(...nodes) {
  byId("result").replaceChildren(...nodes.filter(Boolean));
  byId("result").focus({ preventScroll: true });
  reveal(byId("result"), "start");
}

function banner(kind, title, lines, buttons) {
  return el("section", { class: `card outcome ${kind}`, role: "status" },
    el("div", {}, el("strong", {}, title), lines.filter(Boolean).map((line) => el("p", {}, line))),
    el("div", { class: "row" }, buttons));
}

function show(job, isApplied) {
  const report = job.report;
  if (job.phase === "failed" || !report) return refuse(new Refused(0, { detail: t("导入中断了，什么都没有改变。请稍后再试。", "The import was broken off and nothing was changed; try again later.") }));
  const isPublished = report.version !== null && !job.dry_run;
  const nodes = [isPublished ? published(job) : decision(job, isApplied && job.dry_run)];
  if (report.rows > 0) nodes.push(figures(report), found(job, isPublished));
  put(...nodes);
}

function published(job) {
  const { report } = job;
  const undo = el("button", { type: "button", class: "undo", onclick: () => rollBack(job) }, t("撤销这次导入", "Undo this import"));
  const isSame = report.version === job.compared_with;
  return isSame
    ? banner("", t("没有变化，不需要发布", "Nothing has changed, nothing to publish"), [job.file_name], [])
    : banner("", t(`已发布第 ${report.version} 版，立即生效`, `Version ${report.version} is live`), [job.file_name], [undo]);
}

async function rollBack(job) {
  const question = t(`把目录恢复到第 ${job.compared_with} 版？`, `Make version ${job.compared_with} current again?`);
  if (!(await ask(question, { yes: t("撤销导入", "Undo") }))) return;
  try {
    await api("POST", "catalog/rollback", { version: job.compared_with });
    put(banner("", t("已撤销，目录恢复到导入之前", "Undone: the catalog is as it was before"), [job.file_name], []));
  } catch (error) {
    complain(error);
  }
}

/** What would happen, and the buttons to let it. */
function decision(job, isAnew) {
  const { report } = job;
  const good = report.created + report.updated;
  const lacksDatum = report.problems.some((it) => it.code === "datum_missing");
  const whole = report.rows === 0 ? report.problems.map((it) => it.message) : [];
  const lines = [job.file_name, ...whole];
  const buttons = [];
  if (isAnew) lines.push(t("目录在这期间被别人改过，已重新比对，请再看一遍。", "Somebody has changed the catalog meanwhile; this is compared anew."));
  if (job.mode === "replace" && report.rows > 0) lines.push(t(`整表替换：表格里没有的 ${count(report.removed)} 条会被删除。`, `Replacing: ${count(report.removed)} that the sheet does not name would go.`));
  const apply = (label, skip, kind) => el("button", { type: "button", class: kind, onclick: (event) => applyNow(job, skip, event.currentTarget) }, label);
  const mayApply = job.can_apply && good + report.removed > 0;
  if (report.problems_total === 0 && mayApply) buttons.push(apply(t("全部导入并发布", "Import and publish all"), false, "primary apply"));
  else if (mayApply && job.mode === "merge" && report.rejected > 0) buttons.push(apply(t(`只导入没有问题的 ${count(report.rows - report.rejected)} 行`, `Import the ${count(report.rows - report.rejected)} good rows`), true, "primary apply"));
  if (report.problems_total > 0 && report.rows > 0 && !lacksDatum) buttons.push(el("a", { class: "button", href: `/api/v1/admin/imports/${job.id}/problems?lang=${language}`, download: true }, t("下载有问题的行", "Download the refused rows")));
  let title = t("可以导入", "Ready to import");
  let kind = "";
  if (report.problems_total > 0) {
    [title, kind] = report.rows === 0 ? [t("这份文件无法导入", "This file cannot be imported"), "bad"] : [t(`有 ${count(report.rejected)} 行有问题`, `${count(report.rejected)} rows have problems`), "warn"];
  } else if (good + report.removed === 0) title = t("没有变化，和现在的目录一样", "Nothing would change");
  const node = banner(kind, title, lines, buttons);
  if (lacksDatum) node.append(datumChooser());
  return node;
}

function datumChooser() {
  const choose = (value) => () => ((byId("datum").value = value), compare());
  return el("div", { class: "datums" },
    el("p", {}, t("表格没有写坐标系。坐标是从哪里来的？选错会偏几百米。", "The sheet names no datum. Where do its coordinates come from? A wrong choice costs half a kilometre.")),
    el("div", { class: "row" },
      el("button", { type: "button", onclick: choose("gcj02") }, t("高德、腾讯", "AMap, Tencent")),
      el("button", { type: "button", onclick: choose("bd09") }, t("百度", "Baidu")),
      el("button", { type: "button", onclick: choose("wgs84") }, t("GPS", "GPS"))));
}

async function applyNow(job, skip, button) {
  const { removed } = job.report;
  if (removed > 0 && !(await ask(t(`会删除 ${count(removed)} 条，连同它们的群和联系人。继续？`, `${count(removed)} will be removed, with their groups and contacts. Go on?`), { yes: t("删除并导入", "Remove and import"), dangerous: true }))) return;
  button.disabled = true;
  const mine = ++turn;
  try {
    await follow((await api("POST", `imports/${job.id}/apply?skip_bad_rows=${skip}`)).data, mine, true);
    toast(t("导入完成", "Imported"));
  } catch (error) {
    button.disabled = false;
    showProgress(null, null);
    complain(error);
  }
}

function figures(report) {
  const jump = (tab) => () => {
    const found = document.querySelector(`[data-tab=${tab}]`);
    if (!found) return;
    found.click();
    reveal(found, "start");
  };
  const one = (name, number, kind, tab) => el("div", { class: number > 0 ? kind : "" }, el("dt", {}, name),
    el("dd", {}, tab && number > 0 ? el("button", { type: "button", class: "link", onclick: jump(tab) }, count(number)) : count(number)));
  return el("dl", { class: "figures counts" },
    one(t("行", "rows"), report.rows, ""), one(t("新增", "new"), report.created, "good", "differences"), one(t("更新", "changed"), report.updated, "good", "differences"),
    one(t("不变", "unchanged"), report.unchanged, ""), one(t("删除", "removed"), report.removed, "bad", "differences"),
    one(t("有问题", "refused"), report.rejected, "bad", "problems"), one(t("提醒", "warnings"), report.warnings_total, "warn", "warnings"));
}

/** Problems, warnings and differences behind tabs; the first that is not empty is open. */
function found(job, isPublished) {
  const { report } = job;
  const lists = [
    ["problems", t("问题", "Problems"), report.problems, report.problems_total, problemRow],
    ["warnings", t("提醒", "Warnings"), report.warnings, report.warnings_total, problemRow],
    ["differences", t("变化", "Changes"), isPublished ? [] : report.differences, report.differences.length, differenceRow],
  ].filter(([, , list]) => list.length > 0);
  if (lists.length === 0) return null;
  const body = el("section", { class: "card found", role: "tabpanel" });
  const tabs = lists.map(([id, name, list, total, row]) => {
    const tab = el("button", { type: "button", role: "tab", "data-tab": id, "aria-selected": "false" }, `${name} ${count(total)}`);
    tab.onclick = () => {
      for (const it of tabs) it.setAttribute("aria-selected", String(it === tab));
      body.replaceChildren(...table(id, list, total, row));
    };
    return tab;
  });
  tabs[0].click();
  return el("div", {}, el("div", { class: "tabs", role: "tablist" }, tabs), body);
}

function table(id, list, total, row) {
  const groups = new Map();
  for (const it of list) groups.set(it.code ?? it.kind, (groups.get(it.code ?? it.kind) ?? 0) + 1);
  const nameOf = (key) => kinds[key]?.[0] ?? list.find((it) => it.code === key).message;
  const only = el("select", { "aria-label": t("只看一种", "Show one kind"), onchange: () => fill() },
    el("option", { value: "" }, t("全部", "All")),
    [...groups].map(([key, number]) => el("option", { value: key }, `${nameOf(key).slice(0, 40)}（${number}）`)));
  const search = el("input", { type: "search", placeholder: t("行号、编号或文字", "Row, id or text"), "aria-label": t("查找", "Find"), oninput: later(() => fill(), 120) });
  const heads = id === "differences" ? [t("行", "row"), "", t("名称", "name"), t("变化", "change")] : [t("行", "row"), t("列", "column"), t("内容", "value"), t("问题", "problem")];
  const rows = el("tbody");
  const more = el("button", { type: "button", class: "link row", onclick: () => fill(true) }, t("显示更多", "Show more"));
  let shown = shownAtATime;
  function fill(isMore = false) {
    shown = isMore ? shown + shownAtATime : shownAtATime;
    const words = search.value.trim().toLowerCase();
    const fits = list.filter((it) => (!only.value || (it.code ?? it.kind) === only.value) && (!words || JSON.stringify(it).toLowerCase().includes(words)));
    rows.replaceChildren(...fits.slice(0, shown).map(row));
    more.hidden = fits.length <= shown;
  }
  fill();
  const rest = total > list.length ? el("p", { class: "row soft" }, t(`只列出前 ${count(list.length)} 条，全部在下载的表格里`, `The first ${count(list.length)}; the download has all`)) : null;
  return [el("div", { class: "row" }, search, groups.size > 1 ? only : null),
    el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((it) => el("th", {}, it)))), rows)),
    more, rest].filter(Boolean);
}

const place = (row) => (row ? t(`第 ${row} 行`, `row ${row}`) : "");

function problemRow(it) {
  return el("tr", {}, el("td", { class: "place brief" }, place(it.row)), el("td", { class: "brief" }, it.column ? el("code", {}, fieldNames[it.column] ?? it.column) : ""), el("td", { class: "brief" }, it.value ?? ""), el("td", {}, it.message));
}

function differenceRow(it) {
  const [word, kind] = kinds[it.kind];
  const fields = it.kind === "created" ? [] : it.fields;
  const change = fields.map((field) => el("div", {}, el("dfn", {}, fieldNames[field.field] ?? field.field),
    field.before === undefined ? null : el("del", {}, field.before), el("span", { "aria-hidden": "true" }, "→"), el("ins", {}, field.after ?? t("（空）", "(empty)"))));
  const about = it.kind === "created" ? it.fields.filter((field) => ["address", "lat", "lng", "datum", "link"].includes(field.field)).map((field) => field.after).join(" · ") : "";
  return el("tr", {}, el("td", { class: "place brief" }, place(it.row)), el("td", { class: "place brief" }, el("span", { class: `badge ${kind}` }, `${word} ${nouns[it.of]}`)),
    el("td", {}, el("strong", {}, it.name), " ", el("code", {}, it.id)), el("td", {}, el("div", { class: "change" }, change, about ? el("span", { class: "soft" }, about) : null)));
}

function choose(chosen) {
  if (!chosen) return;
  file = chosen;
  compare();
}
const drop = byId("drop");
byId("file").addEventListener("change", (event) => (choose(event.target.files[0]), (event.target.value = "")));
for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => (event.preventDefault(), drop.classList.add("over")));
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => (event.preventDefault(), choose(event.dataTransfer.files[0])));
for (const input of document.querySelectorAll("input[name=of]")) input.addEventListener("change", () => ((file = null), turn++, showProgress(null, null), byId("result").replaceChildren(), showOptions()));
for (const input of [byId("datum"), ...document.querySelectorAll("input[name=mode]")]) input.addEventListener("change", compare);
const wanted = new URLSearchParams(location.search).get("of");
const radio = document.querySelector(`input[name=of][value="${CSS.escape(wanted ?? "stores")}"]`);
if (radio) radio.checked = true;
showOptions();
