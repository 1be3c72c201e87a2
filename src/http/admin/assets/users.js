// People: who may sign in, and what they may do.
import { api, ask, complain, el, t, toast } from "./admin.js";
import { field, form, roles, when } from "./dialogs.js";

const rows = document.getElementById("rows");
const me = document.querySelector(".user")?.textContent.trim();
const one = (name) => `users/${encodeURIComponent(name)}`;
const fresh = () => el("input", { name: "password", type: "password", autocomplete: "new-password", required: true, minlength: "10" });
const hint = t("至少 10 个字符", "10 characters or more");

async function change(user, body, said) {
  const { etag } = await api("GET", one(user.name));
  await api("PATCH", one(user.name), body, { etag });
  toast(said);
}

function actions(user) {
  const password = () =>
    form(t(`为 ${user.name} 设新密码`, `A new password for ${user.name}`), [field(t("新密码", "New password"), fresh(), hint)], t("设定", "Set"), async (values) => {
      await change(user, values, t("密码已更新，其登录已结束", "The password is set; their sessions have ended"));
      return true;
    }).then((done) => done && show());
  const enable = () =>
    change(user, { enabled: !user.enabled }, user.enabled ? t("已停用", "Disabled") : t("已启用", "Enabled")).then(show, complain);
  const remove = async () => {
    if (!(await ask(t(`删除 ${user.name}？其登录会立即结束。`, `Remove ${user.name}? Their sessions end at once.`), { yes: t("删除", "Remove"), dangerous: true }))) return;
    api("DELETE", one(user.name)).then(() => (toast(t("已删除", "Removed")), show()), complain);
  };
  return el("div", { class: "row tight" },
    el("button", { type: "button", onclick: password }, t("重设密码", "Reset password")),
    el("button", { type: "button", onclick: enable }, user.enabled ? t("停用", "Disable") : t("启用", "Enable")),
    el("button", { type: "button", class: "quiet-danger", onclick: remove }, t("删除", "Remove")));
}

function row(user) {
  const role = roles("role", user.role, { "aria-label": t(`${user.name} 的角色`, `Role of ${user.name}`) });
  role.addEventListener("change", () =>
    change(user, { role: role.value }, t("角色已更新", "The role is changed")).then(show, (error) => (complain(error), show())));
  const state = user.enabled ? el("span", { class: "badge good" }, t("可登录", "may sign in")) : el("span", { class: "badge bad" }, t("已停用", "disabled"));
  return el("tr", { "data-user": user.name },
    el("td", {}, el("b", {}, user.name), user.name === me && el("span", { class: "soft" }, t("（您）", " (you)"))),
    el("td", {}, role), el("td", {}, state), el("td", { "data-label": t("上次登录", "Last sign-in") }, when(user.signed_in_at, t("从未", "never"))), el("td", { "data-label": t("密码设于", "Password set") }, when(user.password_set_at)), el("td", {}, actions(user)));
}

async function show() {
  const { data } = await api("GET", "users?per_page=200");
  rows.replaceChildren(...data.items.map(row));
}

document.getElementById("add").addEventListener("click", () =>
  form(t("添加人员", "Add somebody"), [
    field(t("用户名", "Name"), el("input", { name: "name", required: true, maxlength: "64", autocomplete: "off", autocapitalize: "none", spellcheck: "false" })),
    field(t("角色", "Role"), roles("role")),
    field(t("初始密码", "First password"), fresh(), hint),
  ], t("添加", "Add"), (values) => api("POST", "users", values)).then((done) => done && (toast(t("已添加", "Added")), show())));

show().catch(complain);
