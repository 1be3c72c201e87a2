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
