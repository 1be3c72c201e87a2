// What every page of the operations team shares. Pages import from here; nothing is loaded from elsewhere.

export const isChinese = document.documentElement.lang.startsWith("zh");
/** The text in the language of the page. */
export const t = (zh, en) => (isChinese ? zh : en);
const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";
const ranks = ["viewer", "ops", "admin"];
/** Whether whoever looks may do what needs this role. */
export const may = (role) => ranks.indexOf(meta("role")) >= ranks.indexOf(role);

/** An element: attributes, listeners (`onclick`) and children; texts are texts, never markup. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key in node && typeof value !== "string") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((it) => it !== null && it !== undefined && it !== false));
  return node;
}

// How the service says what is wrong with a field, by its word, in the language of the page where that is Chinese.
const WRONG = t(
  {
    missing: "必填", too_long: "太长了", bad_character: "含有不允许的字符", out_of_range: "超出范围", not_a_number: "不是数字", not_a_text: "不是文字", not_a_flag: "只能是“是”或“否”",
    invalid_id: "编号写法不对", invalid_slug: "短名只能用小写字母、数字和连字符", invalid_colour: "颜色写法不对,例如 #0b6b4f", invalid_time: "时间写法不对,例如 2026-12-01 18:00", invalid_logo: "图片不能用", invalid: "写法不对",
    invalid_address: "不是网络地址,例如 203.0.113.9", not_https: "必须是 https:// 开头的地址", host_not_allowed: "这个网站不在允许的名单里", link_not_allowed: "这个链接的网站不在允许的名单里", not_a_picture: "不是 PNG、JPEG 或 WebP 图片", too_large: "文件太大",
    too_many: "太多了", unknown_store: "没有这家门店", unknown_region: "地图上没有这个区域", unknown_campaign: "没有这个活动", unknown_owner: "请选择门店、区域或活动", unknown_mode: "没有这种方式", unknown_rotation: "没有这种顺序", unknown_fallback: "没有这种后备",
    unknown_field: "没有这个字段", unknown_datum: "没有这种坐标系", needs_split: "只在“分流”时可填", not_shown: "配图片时不会显示,请写进正文", exists: "这个编号已经有了", datum_missing: "请选择坐标系", unreadable: "看不懂,请粘贴两个数字或地图链接",
    short_link: "这是短链接,只有它的网站能打开:请在浏览器中打开,再复制打开后的长地址", no_position: "这个链接里没有坐标:请在地图上点开地点再复制,或直接复制坐标", unknown_site: "不认识这个网站的链接,请直接粘贴坐标",
  },
  {},
);

/** What is wrong with a field. `own` has words of the page for what means something else there, by `field.code` or code. */
export function fault(it, own = {}) {
  const words = own[`${it.field}.${it.code}`] ?? own[it.code] ?? WRONG[it.code] ?? it.message;
  return typeof words === "function" ? words(it) : words;
}

/** What the service said instead of what was asked for. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    Object.assign(this, { status, problem, errors: problem.errors ?? [] });
  }
}

/** Calls `/api/v1/admin/…`. `body` is JSON, or a FormData or Blob as it is. Returns `{data, etag, status}`. */
export async function api(method, path, body, { etag, type, signal } = {}) {
  const headers = { Accept: "application/json" };
  const token = meta("csrf");
  if (token) headers["X-CSRF-Token"] = token;
  if (etag) headers["If-Match"] = etag;
  const isRaw = body instanceof FormData || body instanceof Blob;
  if (type) headers["Content-Type"] = type;
  else if (body !== undefined && !isRaw) headers["Content-Type"] = "application/json";
  const sent = body === undefined || isRaw ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(`/api/v1/admin/${path}`, { method, headers, body: sent, signal, credentials: "same-origin" });
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new Refused(0, { detail: t("连接不上服务,请检查网络后重试", "The service cannot be reached; check the network and try again") });
  }
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  const data = isJson ? await answer.json() : answer.status === 204 ? null : await answer.text();
  if (answer.status === 401 && location.pathname !== "/admin/sign-in") {
    location.assign(`/admin/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (!answer.ok) {
    throw Object.assign(new Refused(answer.status, isJson ? data : {}), { retryAfter: answer.headers.get("Retry-After") });
  }
  return { data, etag: answer.headers.get("ETag"), status: answer.status };
}

/** A short message at the edge of the page. `kind`: `good` or `bad`. */
export function toast(text, kind = "good") {
  const node = el("p", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), kind === "bad" ? 8000 : 4000);
}

/** Says what went wrong; for the end of a promise. */
export function complain(error) {
  if (error.name === "AbortError") return;
  const stale = error.status === 412;
  toast(stale ? t("别人刚刚改过,请刷新后再改", "Somebody has just changed it; reload and try again") : error.message, "bad");
}

/** Asks whether to go on; resolves to true or false. */
export function ask(question, { yes = t("确定", "Yes"), no = t("取消", "Cancel"), dangerous = false } = {}) {
  return new Promise((resolve) => {
    const dialog = el(
      "dialog",
      { class: "ask", onclose: () => (dialog.remove(), resolve(dialog.returnValue === "yes")) },
      el(
        "form",
        { method: "dialog" },
        el("p", {}, question),
        el("menu", {}, el("button", { value: "no" }, no), el("button", { value: "yes", class: dangerous ? "danger" : "primary" }, yes)),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Calls `act` once nothing has happened for `ms`. */
export function later(act, ms = 200) {
  let timer;
  return (...all) => (clearTimeout(timer), (timer = setTimeout(() => act(...all), ms)));
}

/** Brings a part of the page into sight, without a glide for those who asked for less motion. */
export function reveal(node, block) {
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  node.scrollIntoView({ block, behavior: isCalm ? "instant" : "smooth" });
}

// On a phone the menu is wider than the screen: the page that is open stands in its middle.
const current = document.querySelector(".top nav [aria-current]");
if (current) {
  const menu = current.parentElement;
  menu.scrollLeft = current.offsetLeft - menu.offsetLeft - (menu.clientWidth - current.offsetWidth) / 2;
}

document.querySelector("[data-language]")?.addEventListener("click", (event) => {
  document.cookie = `jq-lang=${event.currentTarget.dataset.language};path=/;max-age=31536000;samesite=lax`;
  location.reload();
});
document.querySelector("[data-sign-out]")?.addEventListener("click", () => {
  api("DELETE", "session").then(() => location.assign("/admin/sign-in"), complain);
});
