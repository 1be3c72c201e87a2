// Tokens of programs: made, shown once, revoked.
import { api, ask, complain, el, t, toast } from "./admin.js";
import { field, form, roles, when } from "./dialogs.js";

const rows = document.getElementById("rows");

function row(token) {
  const revoke = async () => {
    const question = t(`吊销令牌 ${token.name}？使用它的程序会立即无法调用。`, `Revoke ${token.name}? Programs that use it are refused at once.`);
    if (!(await ask(question, { yes: t("吊销", "Revoke"), dangerous: true }))) return;
    api("DELETE", `tokens/${token.id}`).then(() => (toast(t("已吊销", "Revoked")), show()), complain);
  };
  const end = token.expired ? el("span", { class: "badge bad" }, t("已过期", "expired")) : when(token.expires_at, t("不过期", "never"));
  return el("tr", { "data-token": token.name },
    el("td", {}, el("b", {}, token.name)), el("td", {}, el("span", { class: "badge" }, token.role)), el("td", { "data-label": t("有效期至", "Expires") }, end),
    el("td", { "data-label": t("上次使用", "Last used") }, when(token.used_at, t("从未", "never"))), el("td", { "data-label": t("创建", "Made") }, when(token.created_at), " ", el("span", { class: "soft" }, token.created_by)),
    el("td", {}, el("button", { type: "button", class: "quiet-danger", onclick: revoke }, t("吊销", "Revoke"))));
}

/** Shows what admits, this once. */
function reveal(made) {
  const secret = el("input", { class: "secret", readonly: true, value: made.secret, "aria-label": t("令牌", "Token"), onfocus: () => secret.select() });
  const copy = () => navigator.clipboard.writeText(made.secret).then(() => toast(t("已复制", "Copied")), () => secret.select());
  return form(t("令牌只显示这一次", "The token is shown this once"), [
    el("p", {}, t("请现在复制并妥善保存。", "Copy it now, and keep it safe.")),
    el("div", { class: "row secret-row" }, secret, el("button", { type: "button", onclick: copy }, t("复制", "Copy"))),
  ], t("已保存", "I have kept it"), () => true);
}

async function show() {
  const { data } = await api("GET", "tokens?per_page=200");
  const none = el("tr", {}, el("td", { colspan: "6", class: "empty" }, t("还没有令牌", "There are no tokens yet")));
  rows.replaceChildren(...(data.items.length ? data.items.map(row) : [none]));
}

document.getElementById("add").addEventListener("click", async () => {
  const days = el("select", { name: "days" },
    [[30, t("30 天", "30 days")], [90, t("90 天", "90 days")], [365, t("一年", "a year")], ["", t("不过期", "never")]].map(([value, text]) => el("option", { value: String(value), selected: value === 90 }, text)));
  const made = await form(t("新建令牌", "Make a token"), [
    field(t("用途", "What it is for"), el("input", { name: "name", required: true, maxlength: "64", autocomplete: "off", spellcheck: "false", placeholder: "dashboard" })),
    field(t("角色", "Role"), roles("role")),
    field(t("有效期", "Expires after"), days),
  ], t("新建", "Make"), async ({ name, role, days }) => (await api("POST", "tokens", { name, role, expires_days: days ? Number(days) : null })).data);
  if (!made) return;
  await reveal(made);
  show().catch(complain);
});

show().catch(complain);
