// The audit trail: filtered, page by page, with differences people can read.
import { api, complain, el, t } from "./admin.js";
import { when } from "./dialogs.js";

const filter = document.getElementById("filter");
const trail = document.getElementById("trail");
const more = document.getElementById("more");
// Calls in a row that find nothing, until somebody presses the button.
const LOOKS = 20;
let next = null;

const deeds = {
  "store.create": ["新增门店", "added the store"], "store.update": ["修改门店", "changed the store"], "store.delete": ["删除门店", "removed the store"],
  "group.create": ["新增群", "added the group"], "group.update": ["修改群", "changed the group"], "group.delete": ["删除群", "removed the group"],
  "contact.create": ["新增店长", "added the contact"], "contact.update": ["修改店长", "changed the contact"], "contact.delete": ["删除店长", "removed the contact"],
  "campaign.create": ["新增活动", "added the campaign"], "campaign.update": ["修改活动", "changed the campaign"], "campaign.delete": ["删除活动", "removed the campaign"],
  "stores.import": ["导入门店", "imported stores"], "groups.import": ["导入群", "imported groups"], "contacts.import": ["导入店长", "imported contacts"],
  "regions.import": ["导入地区", "imported regions"], "campaigns.import": ["导入活动", "imported campaigns"], "catalog.rollback": ["回退目录", "rolled the catalog back"],
  "user.create": ["添加人员", "added"], "user.update": ["修改人员", "changed"], "user.password": ["重设密码", "set the password of"], "user.delete": ["删除人员", "removed"],
  "token.create": ["新建令牌", "made the token"], "token.revoke": ["吊销令牌", "revoked the token"],
  "visitor.erase": ["抹除访客", "erased the visitor"], "tags.export": ["导出标签记录", "exported tag records"],
  "dead_letters.retry": ["重新发送死信", "sent dead letters again"], "dead_jobs.retry": ["重新执行任务", "had jobs done again"],
  sign_in: ["登录", "signed in"], "sign_in.refused": ["登录失败", "was refused at the sign-in"], sign_out: ["退出", "signed out"],
};

function value(text) {
  return text === null ? el("i", { class: "soft" }, t("无", "nothing")) : el("span", {}, text === "" ? "“”" : text);
}

function difference({ field, before, after }) {
  if (before === null) return el("li", { class: "new" }, field && el("code", {}, field), " ", el("span", { class: "is" }, value(after)));
  return el("li", {}, field && el("code", {}, field), field && " ", el("span", { class: "was" }, value(before)), " → ", el("span", { class: "is" }, value(after)));
}

function deed(it) {
  const name = deeds[it.action] ? t(...deeds[it.action]) : it.action;
  const about = el("p", {}, el("b", {}, it.actor), " ", el("span", { class: it.action.endsWith("refused") ? "badge bad" : "badge", title: it.action }, name), " ",
    it.target !== it.actor && el("span", { class: "target" }, it.target));
  const from = el("p", { class: "soft" }, when(it.at), it.address && ` · ${it.address}`, it.catalog_version && ` · ${t("目录版本", "catalog version")} ${it.catalog_version}`);
  return el("li", { class: "card", "data-action": it.action }, about, it.changes.length > 0 && el("ul", { class: "changes" }, it.changes.map(difference)), from);
}

async function show(isMore) {
  const query = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
  history.replaceState(null, "", `?${query}`);
  let [looks, found] = [0, 0];
  // One call looks only so far; where it found nothing, the next one goes on.
  do {
    if (isMore || looks > 0) query.set("before", next);
    const { data } = await api("GET", `audit?${query}`);
    if (!isMore && looks === 0) trail.replaceChildren();
    trail.append(...data.items.map(deed));
    next = data.next;
    found = data.items.length;
    looks += 1;
  } while (found === 0 && next !== null && looks < LOOKS);
  if (!trail.children.length) trail.append(el("li", { class: "card empty" }, t("没有记录", "There is nothing")));
  more.hidden = next === null;
}

for (const [name, value] of new URLSearchParams(location.search)) if (filter.elements[name]) filter.elements[name].value = value;
filter.addEventListener("submit", (event) => (event.preventDefault(), show(false).catch(complain)));
more.addEventListener("click", () => show(true).catch(complain));
show(false).catch(complain);
