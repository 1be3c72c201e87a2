// Greetings: the list, the editor of one, and what a customer would get.
import { api, ask, complain, el, later, may, fault, t, toast } from "./admin.js";
import { field } from "./dialogs.js";
import { refusal, send } from "./pictures.js";

const $ = (id) => document.getElementById(id);
const editor = $("editor"), fields = editor.elements, as = $("as");
const SCOPE = ["campaign", "store", "standing", "membership", "segment"];
const KINDS = { group: t("门店群", "Group"), coupon: t("优惠券", "Coupon"), link: t("链接", "Link"), miniprogram: t("小程序", "Mini-program"), image: t("图片", "Picture") };
const PICTURES = { own: t("自己上传的图", "Own picture"), logo: t("活动标志", "Campaign's logo"), code: t("群二维码", "Group's code") };
let open = null;
let attachments = [];
let last = null;

const said = (it) => {
  const words = { new: t("新顾客", "new"), returning: t("老顾客", "returning"), registered: t("会员", "registered"), unregistered: t("非会员", "not registered") };
  const parts = SCOPE.map((name) => words[it[name]] ?? it[name]).filter(Boolean);
  return parts.length ? parts.join(" · ") : t("所有人", "everybody");
};

async function list() {
  const { data } = await api("GET", "greetings?per_page=200");
  const item = (it) => el("li", {}, el("button", { type: "button", "data-greeting": it.name, "aria-current": open?.id === it.id ? "true" : null, onclick: () => edit(it) },
    el("span", {}, el("b", {}, it.name), el("small", {}, said(it))),
    el("span", { class: it.is_on ? "badge good" : "badge" }, it.is_on ? t("启用", "in use") : t("停用", "off"))));
  const none = el("li", { class: "empty" }, t("还没有欢迎语", "There are no greetings yet"));
  $("list").replaceChildren(...(data.items.length ? data.items.map(item) : [none]));
  $("list").removeAttribute("aria-busy");
  return data.items;
}

function attachment(it, place) {
  const text = (name, label, max) => field(label, el("input", { value: it[name] ?? "", maxlength: max, oninput: (event) => { it[name] = event.target.value; preview(); } }));
  const choice = (name, label, options) => {
    const select = el("select", { onchange: (event) => { it[name] = event.target.value; preview(); } }, Object.entries(options).map(([value, shown]) => el("option", { value, selected: it[name] === value }, shown)));
    return field(label, select);
  };
  const rows = {
    group: () => [choice("form", t("样子", "Form"), { link: t("链接（打开时再选有空位的群）", "Link (finds a group with room when opened)"), picture: t("二维码图片", "Picture of the code") }), it.form === "picture" ? null : text("title", t("标题（留空用群名）", "Title (empty: the group's name)"), "128")],
    coupon: () => [text("title", t("标题", "Title"), "128"), text("description", t("说明", "Description"), "512")],
    link: () => [text("title", t("标题", "Title"), "128"), text("description", t("说明", "Description"), "512"), text("url", t("地址", "Address"), "1024")],
    miniprogram: () => [text("title", t("标题", "Title"), "64"), text("app_id", "AppID", "64"), text("page", t("页面", "Page"), "1024"), choice("picture", t("封面", "Cover"), PICTURES)],
    image: () => [choice("picture", t("图片", "Picture"), PICTURES)],
  };
  const drop = () => { attachments.splice(place, 1); draw(); };
  return el("li", {}, el("div", { class: "row spread" }, el("b", {}, KINDS[it.type]), el("button", { type: "button", class: "quiet-danger", onclick: drop }, t("去掉", "Remove"))), ...rows[it.type]());
}

function draw() {
  $("attachments").replaceChildren(...attachments.map(attachment));
  preview();
}

function fill(it) {
  for (const name of ["name", "text", "coupon_url", ...SCOPE]) fields[name].value = it[name] ?? "";
  fields.is_on.checked = it.is_on ?? true;
  attachments = structuredClone(it.attachments ?? []);
  $("editor-title").textContent = it.id ? it.name : t("新建欢迎语", "New greeting");
  $("wrong").replaceChildren();
  if ($("remove")) $("remove").hidden = !it.id;
  picture();
  draw();
}

function edit(it) {
  open = it;
  editor.hidden = false;
  if (it.store && !as.elements.store.value) as.elements.store.value = it.store;
  fill(it);
  list().catch(complain);
  editor.scrollIntoView({ block: "nearest" });
}

function picture() {
  if (!open?.id || !may("ops")) return void $("picture").replaceChildren(open ? el("small", { class: "soft" }, t("保存后可以上传自己的图片", "An own picture can be uploaded after saving")) : "");
  const file = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", "aria-label": t("上传图片", "Upload a picture"), onchange: async () => {
    try {
      await send(`greetings/${open.id}/picture`, file.files[0]);
      toast(t("图片已保存", "The picture is kept"));
      picture();
    } catch (error) { toast(refusal(error), "bad"); }
  } });
  const shown = el("img", { src: `/api/v1/admin/greetings/${open.id}/picture?${Date.now()}`, alt: "", height: "48", onerror: () => shown.remove() });
  $("picture").replaceChildren(shown, field(t("自己的图片", "Own picture"), file));
}

const template = () => {
  const it = { name: fields.name.value, is_on: fields.is_on.checked, text: fields.text.value, attachments };
  for (const name of [...SCOPE, "coupon_url"]) if (fields[name].value.trim()) it[name] = fields[name].value.trim();
  return it;
};

const NAMED = t({ text: "正文", name: "名称", coupon_url: "优惠券链接", attachments: "附件", title: "标题", description: "描述", url: "链接", page: "小程序页面", app_id: "小程序 AppID", store: "门店", region: "地区", campaign: "活动", segment: "人群" }, {});
/** A field in words: `attachments[0].title` is the title of the first attachment. */
const named = (field) => {
  const [, place, inner] = /^attachments\[(\d+)\]\.(\w+)$/.exec(field) ?? [];
  return inner ? t(`附件 ${Number(place) + 1} 的${NAMED[inner] ?? inner}`, `attachment ${Number(place) + 1}, ${inner}`) : NAMED[field] ?? field;
};
// The names of placeholders, as the buttons have them.
const WORDS = t({ store: "门店", store_id: "门店编号", address: "地址", hours: "营业时间", province: "省", city: "市", district: "区", contact: "店长", campaign: "活动", group: "群", group_link: "群链接", coupon: "优惠券" }, {});
const OWN = t({ unknown_placeholder: (it) => { const name = /^holds \{(.*)\}, which/.exec(it.message)?.[1]; return name === undefined ? "这里不能用优惠券占位符" : `{${name}} 不是可用的占位符；单独的花括号请写成 {{`; } }, {});

function wrong(error) {
  const lines = error.errors?.length ? error.errors.map((it) => `${named(it.field)}: ${fault(it, OWN)}`) : [error.message];
  $("wrong").replaceChildren(...lines.map((it) => el("li", {}, it)));
}

const bubble = (it) => el("p", { class: "bubble" }, it.kind === "image" ? `[${PICTURES[it.picture]}]` : [el("b", {}, it.title), it.description && el("small", {}, it.description), el("small", {}, it.url)]);

const preview = later(async () => {
  const bytes = new TextEncoder().encode(fields.text.value).length;
  $("length").textContent = editor.hidden ? "" : `${bytes} / ${fields.text.dataset.max}`;
  const who = Object.fromEntries([...new FormData(as)].filter(([, value]) => value.trim()));
  if (!editor.hidden) who.template = { ...template(), name: fields.name.value || "-" };
  const body = JSON.stringify(who);
  last = body;
  try {
    const { data } = await api("POST", "greetings/preview", who);
    if (last !== body) return;
    $("wrong").replaceChildren();
    const it = data.greeting;
    $("chat").replaceChildren(...(it ? [it.text && el("p", { class: "bubble" }, it.text), ...it.attachments.map(bubble)].filter(Boolean) : [el("p", { class: "soft" }, t("不会发送", "Nothing is sent"))]));
    const why = { off: () => t("停用", "off"), for_others: () => t("发给别人的", "for others"), lacks: (one) => t(`缺少 {${WORDS[one.lacks] ?? one.lacks}}`, `nothing is known for {${one.lacks}}`), too_long: () => t("太长", "too long"), fits: (one) => (one.id === it?.id ? t("会发送", "is sent") : t("也合适，但不够具体", "fits too, but is less special")) };
    $("why").replaceChildren(...data.templates.slice(0, 30).map((one) => el("li", {}, `${one.name}: ${why[one.verdict](one)}`)));
  } catch (error) {
    if (last !== body) return;
    // What was said of the words before is no longer true.
    $("chat").replaceChildren(el("p", { class: "soft" }, t("没有预览", "No preview")));
    $("why").replaceChildren();
    if (editor.hidden) complain(error); else wrong(error);
  }
}, 250);

editor.addEventListener("input", preview);
// Only a choice changes which fields there are: drawing anew on the way out of a field would take the button away that is being pressed.
editor.addEventListener("change", (event) => { preview(); if (event.target.matches("#attachments select")) draw(); });
as.addEventListener("input", preview);
as.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("[data-attach]")) {
  button.addEventListener("click", () => {
    const kind = button.dataset.attach;
    attachments.push({ type: kind, ...{ group: { form: "link" }, coupon: { title: t("到店优惠", "Your coupon") }, link: { title: "", url: "https://" }, miniprogram: { title: "", app_id: "", page: "", picture: "logo" }, image: { picture: "own" } }[kind] });
    draw();
  });
}
for (const button of document.querySelectorAll("[data-word]")) {
  button.addEventListener("click", () => {
    fields.text.setRangeText(`{${button.dataset.word}}`, fields.text.selectionStart, fields.text.selectionEnd, "end");
    fields.text.focus();
    preview();
  });
}
const close = () => { editor.hidden = true; open = null; list().catch(complain); preview(); };
$("close").addEventListener("click", close);
$("add")?.addEventListener("click", () => { edit({ attachments: [{ type: "group", form: "link" }], text: "" }); fields.name.focus(); });
$("remove")?.addEventListener("click", async () => {
  if (!(await ask(t(`删除“${open.name}”？`, `Delete “${open.name}”?`), { yes: t("删除", "Delete"), dangerous: true }))) return;
  api("DELETE", `greetings/${open.id}`, undefined, { etag: open.etag }).then(() => (toast(t("已删除", "Deleted")), close()), complain);
});
editor.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const { data } = open?.id ? await api("PUT", `greetings/${open.id}`, template(), { etag: open.etag }) : await api("POST", "greetings", template());
    toast(t("已保存，两秒内在所有实例生效", "Saved; in use on every instance within two seconds"));
    edit(data);
  } catch (error) {
    if (error.status === 412) complain(error); else wrong(error);
  }
});

list().then(preview, complain);
