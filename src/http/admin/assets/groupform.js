// The form of one group or contact: new for a store, region or campaign, or changed.
import { api, complain, el, later, fault, t, toast } from "./admin.js";

/** A moment as the field of a form shows it, on this machine's clock. */
function localTime(text) {
  if (!text) return "";
  const at = new Date(text);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function field(label, input, hint) {
  return el("label", { class: "field" }, el("span", {}, label), input, hint && el("small", { class: "soft" }, hint), el("small", { class: "error", "data-of": input.name }));
}

/** Whose it is: stores are searched for, regions and campaigns chosen. */
function ownerFields(query) {
  const what = el("select", { name: "what" }, el("option", { value: "store" }, t("门店", "A store")), el("option", { value: "region" }, t("区域", "A region")), el("option", { value: "campaign" }, t("活动", "A campaign")));
  const found = el("datalist", { id: "found" });
  const store = el("input", { name: "store", list: "found", autocomplete: "off", placeholder: t("门店名称或编号", "The store's name or id") });
  const region = el("select", { name: "region" });
  const campaign = el("select", { name: "campaign" });
  store.addEventListener("input", later(async () => {
    if (!store.value.trim()) return;
    const answer = await fetch(`/api/v1/stores?q=${encodeURIComponent(store.value.trim())}`);
    const { stores = [] } = answer.ok ? await answer.json() : {};
    found.replaceChildren(...stores.slice(0, 20).map((it) => el("option", { value: it.id }, it.name)));
  }));
  api("GET", "owners").then(({ data }) => {
    region.append(...data.regions.map((it) => el("option", { value: it.id }, `${it.name} ${it.id}`)));
    campaign.append(...data.campaigns.map((it) => el("option", { value: it.id }, it.name)));
    for (const [name, select] of [["region", region], ["campaign", campaign]]) if (query?.get(name)) select.value = query.get(name);
  }, complain);
  const fields = { store: field(t("门店", "Store"), store), region: field(t("区域", "Region"), region), campaign: field(t("活动", "Campaign"), campaign) };
  const show = () => Object.entries(fields).forEach(([name, node]) => (node.hidden = name !== what.value));
  what.addEventListener("change", show);
  for (const name of Object.keys(fields)) if (query?.get(name)) (what.value = name), name === "store" && (store.value = query.get(name));
  show();
  return { nodes: [field(t("属于", "Belongs to"), what), ...Object.values(fields), found], value: () => ({ [what.value]: { store, region, campaign }[what.value].value.trim() }) };
}

/** Opens the form; `done` gets what was made or changed. */
export function editEntrance(kind, it, done, query) {
  const isGroup = kind === "groups";
  const owner = it ? null : ownerFields(query);
  const input = (name, value, more = {}) => el("input", { name, value: value ?? "", ...more });
  const members = it?.heads?.members ?? "";
  const dialog = el("dialog", { class: "form", onclose: () => dialog.remove() });
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", {}, it ? t(`编辑「${it.name}」`, `Edit “${it.name}”`) : isGroup ? t("新建群", "New group") : t("新建店长", "New contact")),
    ...(owner?.nodes ?? []),
    field(t("顾客看到的名称", "The name that customers see"), input("name", it?.name, { required: true, maxlength: "100" })),
    field(t("二维码里的链接", "The link in the code"), input("url", it?.url, { required: true, type: "url", inputmode: "url" }), it ? null : t("没有链接?先随便填一个旧的,建好后用截图换码。", "No link at hand? Use an old one; a screenshot replaces it afterwards.")),
    field(t("到期时间(留空为长期有效)", "Expires (empty: never)"), input("expires_at", localTime(it?.expires_at), { type: "datetime-local" })),
    isGroup && el("div", { class: "pair" }, field(t("人数上限", "Capacity"), input("capacity", it?.capacity ?? 200, { type: "number", min: "1", max: "100000" })), it && field(t("现在的成员数", "Members now"), input("members", members, { type: "number", min: "0", max: "100000" }))),
    el("p", { class: "error", role: "alert" }),
    el("menu", {}, el("button", { type: "button", onclick: () => dialog.close() }, t("取消", "Cancel")), el("button", { class: "primary", value: "save" }, t("保存", "Save"))),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (name) => form.elements[name]?.value.trim() ?? "";
    const end = value("expires_at");
    const body = { name: value("name"), url: value("url") };
    if (!it || end !== localTime(it.expires_at)) body.expires_at = end ? new Date(end).toISOString() : null;
    if (isGroup) body.capacity = Number(value("capacity")) || 1;
    if (!it) body.owner = owner.value();
    for (const node of form.querySelectorAll(".error")) node.textContent = "";
    try {
      let { data } = it ? await api("PATCH", `${kind}/${encodeURIComponent(it.id)}`, body, { etag: it.etag }) : await api("POST", kind, body);
      if (it && value("members") !== "" && value("members") !== String(members)) {
        ({ data } = await api("PUT", `${kind}/${encodeURIComponent(it.id)}/members`, { members: Number(value("members")) }));
      }
      dialog.close();
      toast(t("已保存,立即生效", "Saved, live at once"));
      done(data);
    } catch (error) {
      let general = error.status === 412 ? t("别人刚刚改过,请刷新后再改", "Somebody has just changed it; reload and try again") : "";
      for (const wrong of error.errors ?? []) {
        const place = form.querySelector(`[data-of="${CSS.escape(wrong.field === "owner" ? "what" : wrong.field)}"]`);
        if (place) place.textContent = fault(wrong);
        else general += fault(wrong);
      }
      form.querySelector("p.error").textContent = general || (error.errors?.length ? "" : error.message);
    }
  });
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
}
