// The editor of a campaign: its fields, a preview of what customers will see, and the landing code.
import { api, ask, complain, el, fault, isChinese, later, may, t, toast } from "./admin.js";
import { refusal, send, takesPictures } from "./pictures.js";

const form = document.getElementById("campaign");
const fields = form.elements;
const isNew = "new" in form.dataset;
const slug = form.dataset.slug;
const path = `campaigns/${encodeURIComponent(slug)}`;
const TEXTS = ["title", "lead", "join_hint", "privacy"];
const RUNGS = ["next_store", "contact", "region", "campaign"];
const frame = document.getElementById("frame");
const state = document.getElementById("state");
let etag = null;
let logo = null;
let sent = "";

const localTime = (text) => {
  if (!text) return "";
  const at = new Date(text);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};
const moment = (name) => (fields[name].value ? new Date(fields[name].value).toISOString() : null);
const names = (text) => text.split(/[;\uff1b]/).map((it) => it.trim()).filter(Boolean);
const rungs = () => [...document.querySelectorAll("#fallbacks input")];

function show(it) {
  for (const name of ["name", "slug", "rotation", "open_stores"]) fields[name].value = it[name];
  fields.colour.value = it.colour ?? "";
  fields.colour_pick.value = it.colour ?? "#0b6b4f";
  fields.mode.value = it.mode;
  fields.contact_percent.value = it.contact_percent ?? 50;
  fields.reach_km.value = it.reach_m === null ? "" : it.reach_m / 1000;
  fields.service_areas.checked = it.service_areas;
  for (const box of rungs()) box.checked = it.fallbacks === null || it.fallbacks.includes(box.value);
  fields.store_tags.value = it.store_tags.join("; ");
  fields.store_regions.value = it.store_regions.join("; ");
  fields.starts_at.value = localTime(it.starts_at);
  fields.ends_at.value = localTime(it.ends_at);
  fields.ended_to.value = it.ended_to ?? "";
  for (const lang of ["texts", "texts_en"]) for (const name of TEXTS) fields[`${lang}.${name}`].value = it[lang][name];
  share();
}

function share() {
  document.getElementById("share").hidden = fields.mode.value !== "split";
  document.getElementById("percent").textContent = `${fields.contact_percent.value}%`;
}

function value() {
  const on = rungs().filter((it) => it.checked).map((it) => it.value);
  const it = {
    slug: fields.slug.value.trim(), name: fields.name.value.trim(), colour: fields.colour.value.trim() || null,
    reach_m: fields.reach_km.value === "" ? null : Number(fields.reach_km.value) * 1000, service_areas: fields.service_areas.checked,
    mode: fields.mode.value, rotation: fields.rotation.value, fallbacks: on.length === RUNGS.length ? null : on,
    store_tags: names(fields.store_tags.value), store_regions: names(fields.store_regions.value), open_stores: fields.open_stores.value,
    starts_at: moment("starts_at"), ends_at: moment("ends_at"), ended_to: fields.ended_to.value || null,
  };
  if (it.mode === "split") it.contact_percent = Number(fields.contact_percent.value);
  for (const lang of ["texts", "texts_en"]) {
    it[lang] = {};
    for (const name of TEXTS) if (fields[`${lang}.${name}`].value.trim()) it[lang][name] = fields[`${lang}.${name}`].value.trim();
  }
  return it;
}

/** The preview of what stands in the form, in the same frame; what cannot be shown leaves the frame as it was, and is told. */
const preview = later(async () => {
  const draft = value();
  draft.slug ||= "draft";
  draft.name ||= t("活动名称", "Name of the campaign");
  if (!/^#[0-9a-f]{6}$/i.test(draft.colour ?? "")) draft.colour = null;
  const query = new URLSearchParams({ draft: JSON.stringify(draft), lang: document.getElementById("in").value, store: document.getElementById("as").value });
  const src = `/admin/campaigns/${encodeURIComponent(slug)}/preview?${query}`;
  if (frame.dataset.src === src) return;
  frame.dataset.src = src;
  // A frame shows whatever it is sent: a refusal would stand in the telephone as its text.
  const answer = await fetch(src, { credentials: "same-origin" }).catch(() => null);
  if (frame.dataset.src !== src) return;
  document.getElementById("stale").hidden = Boolean(answer?.ok);
  if (answer?.ok) frame.src = src;
  else frame.dataset.src = "";
}, 250);

const OWN = {
  "reach_m.out_of_range": t("请填写大于 0、不超过 20040 的公里数", "a distance above 0 and up to 20040 km"),
  "contact_percent.out_of_range": t("请填写 0 到 100 的整数", "a whole number from 0 to 100"),
};

function wrong(error) {
  for (const node of form.querySelectorAll("small.error")) node.remove();
  for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
  const general = document.getElementById("general");
  general.textContent = "";
  if (!error) return;
  let rest = error.status === 412 ? t("别人刚刚改过这个活动,请刷新后再改。", "Somebody has just changed this campaign; reload and try again.") : "";
  let first = null;
  for (const it of error.errors ?? []) {
    const found = fields[it.field === "reach_m" ? "reach_km" : it.field];
    const input = found instanceof RadioNodeList ? found[0] : found;
    if (!input?.closest) {
      rest += `${it.field}: ${fault(it, OWN)} `;
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    (input.closest("label.field") ?? input.parentElement).append(el("small", { class: "error" }, fault(it, OWN)));
    first ??= input;
  }
  general.textContent = rest || (error.errors?.length ? "" : error.message);
  first?.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong(null);
  state.textContent = t("正在保存…", "Saving…");
  try {
    const answer = isNew ? await api("POST", "campaigns", value()) : await api("PUT", path, value(), { etag });
    if (isNew) return void location.assign(`/admin/campaigns/${encodeURIComponent(answer.data.slug)}`);
    shown(answer);
    state.textContent = t("已保存,立即生效", "Saved, live at once");
  } catch (error) {
    state.textContent = "";
    wrong(error);
  }
});

form.addEventListener("input", (event) => {
  if (event.target.name === "colour_pick") fields.colour.value = event.target.value;
  if (event.target.name === "colour" && /^#[0-9a-f]{6}$/i.test(event.target.value)) fields.colour_pick.value = event.target.value;
  share();
  preview();
  if (JSON.stringify(value()) !== sent) state.textContent = t("还没保存", "Not saved yet");
});
for (const id of ["as", "in"]) document.getElementById(id).addEventListener("change", preview);
window.addEventListener("beforeunload", (event) => {
  if (sent && may("ops") && JSON.stringify(value()) !== sent && !isNew) event.preventDefault();
});

document.getElementById("delete")?.addEventListener("click", async () => {
  const question = t(`删除「${slug}」?已经印出去的码会转到默认活动。`, `Delete “${slug}”? Codes that are printed will lead to the default campaign.`);
  if (!(await ask(question, { yes: t("删除", "Delete"), dangerous: true }))) return;
  api("DELETE", path, undefined, { etag }).then(() => ((sent = ""), location.assign("/admin/campaigns")), wrong);
});

/** The landing code as it will be downloaded. */
function code() {
  const query = new URLSearchParams();
  const caption = document.getElementById("caption").value.trim();
  if (caption) query.set("caption", caption);
  if (document.getElementById("with-logo").checked) query.set("logo", "true");
  const base = `/api/v1/admin/${path}/code`;
  const plain = document.getElementById("with-logo").checked ? "?size=480&logo=true" : "?size=480";
  document.getElementById("picture").src = `${base}.png${plain}${logo ? `&v=${encodeURIComponent(logo)}` : ""}`;
  for (const button of document.querySelectorAll("[data-format]")) {
    const more = new URLSearchParams(query);
    if (button.dataset.format === "pdf") more.set("paper", document.getElementById("paper").value);
    if (button.dataset.format === "png") more.set("size", "2048");
    button.href = `${base}.${button.dataset.format}?${more}`;
    button.download = `jinqun-${slug}.${button.dataset.format}`;
  }
}
document.getElementById("code").addEventListener("input", later(code, 250));
for (const button of document.querySelectorAll("[data-format]")) {
  button.addEventListener("click", async (event) => {
    // What cannot be drawn is said here, and not saved as a file.
    event.preventDefault();
    const said = document.getElementById("code-error");
    said.textContent = "";
    const answer = await fetch(button.href, { credentials: "same-origin" });
    if (!answer.ok) return void (said.textContent = (await answer.json()).detail);
    const url = URL.createObjectURL(await answer.blob());
    el("a", { href: url, download: button.download }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  });
}

function logoRow() {
  const row = document.getElementById("logo");
  if (isNew) return;
  const input = el("input", { type: "file", accept: "image/*", class: "hidden-file", tabindex: "-1", "aria-hidden": "true" });
  const take = async (file) => {
    try {
      shownLogo((await send(`${path}/logo`, file, { etag })).data);
      toast(t("标志已更新", "The logo is live"));
    } catch (error) {
      toast(refusal(error), "bad");
    }
  };
  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  row.replaceChildren(
    logo ? el("img", { src: logo, alt: t("现在的标志", "The logo now") }) : "",
    ...(may("ops") ? [input, el("button", { type: "button", id: "set-logo", onclick: () => input.click() }, logo ? t("换标志", "Change") : t("上传标志", "Upload")), logo ? el("button", { type: "button", class: "link", onclick: () => api("DELETE", `${path}/logo`, undefined, { etag }).then(({ data }) => shownLogo(data), complain) }, t("去掉", "Remove")) : ""] : []),
  );
  if (may("ops") && !row.dataset.takes) (row.dataset.takes = "1"), takesPictures(row, take);
}

function shownLogo(it) {
  etag = it.etag;
  logo = it.logo_url;
  const box = document.getElementById("with-logo");
  box.disabled = !logo;
  box.checked = Boolean(logo);
  frame.dataset.src = "";
  logoRow();
  code();
  preview();
}

function shown({ data }) {
  document.getElementById("heading").textContent = data.name;
  show(data);
  sent = JSON.stringify(value());
  const link = document.getElementById("link");
  link.textContent = data.link;
  link.href = data.link;
  shownLogo(data);
}

const PLAIN = { name: "", slug: "", colour: "#0b6b4f", mode: "group", reach_m: null, service_areas: false, rotation: "in_order", open_stores: "ignore", fallbacks: null, store_tags: [], store_regions: [], starts_at: null, ends_at: null, ended_to: null, texts: {}, texts_en: {} };
for (const lang of ["texts", "texts_en"]) for (const name of TEXTS) PLAIN[lang][name] = "";
document.getElementById("in").value = isChinese ? "zh" : "en";
api("GET", "campaigns?per_page=200").then(({ data }) => {
  fields.ended_to.append(...data.items.filter((it) => it.slug !== slug && it.slug !== "default").map((it) => el("option", { value: it.slug }, it.name)));
  const found = data.items.find((it) => it.slug === slug);
  if (isNew) (show(PLAIN), preview());
  else if (found) shown({ data: found });
  else return api("GET", path).then(shown);
}).catch(complain);
