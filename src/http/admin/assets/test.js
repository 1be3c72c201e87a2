// "Test a place": a position, an address or where the phone stands; shows the decision, every store considered, and mends a store's
// coordinates from where the phone stands.
import { api, ask, complain, el, may, fault, t, toast } from "./admin.js";
import { ChainMap, distanceText, followChain, metres } from "./map.js";

/** A measured place that is known no better than this is no place to put a store at, in metres. */
const FIX_ACCURACY_M_MAX = 50;
/** A measured place as good as this is not waited for any longer. */
const GOOD_ACCURACY_M = 15;
/** How long the phone may look for a better place, in milliseconds. */
const LOOK_MS = 8000;

const form = document.getElementById("ask");
const wrong = document.getElementById("wrong");
let mode = "place";
let measured = null;

const outcomes = {
  routed: t("进这家店的群", "Led to this store"),
  choose: t("位置不够准:请顾客自己选", "Not sure enough: the customer chooses"),
  out_of_reach: t("附近没有门店", "No store is in reach"),
  unknown_place: t("不知道顾客在哪里", "Nobody knows where this is"),
};
const verdicts = {
  chosen: [t("选中", "Chosen"), "good"],
  service_area: [t("在它的服务区内,优先", "The place lies in its service area, which wins"), "good"],
  outside_area: [t("更近,但这里是别家的服务区", "Nearer, but in another store's service area"), ""],
  nearest: [t("最近,但它的码不能用", "Nearest, but its code may not be shown"), "warn"],
  farther: [t("更远,列为备选", "Farther; listed as another choice"), ""],
  possible: [t("也可能是最近的", "May be the nearest as well"), "warn"],
  no_join_code: [t("没有可用的群码", "No join code that works"), "bad"],
  full: [t("群已满", "Its groups are full"), "bad"],
  paused: [t("门店已暂停", "Paused"), "warn"],
  closed: [t("门店已关闭", "Closed for good"), ""],
  closed_now: [t("现在不营业", "Not open now"), "warn"],
  not_in_campaign: [t("不参加这个活动", "Takes no part in the campaign"), ""],
  beyond_reach: [t("太远", "Too far away"), ""],
};
const reasons = {
  full: t("群已满", "the groups are full"),
  expired: t("群码已过期", "the code has expired"),
  paused: t("已暂停", "it is paused"),
  closed: t("门店已关闭", "the store is closed"),
  no_join_code: t("没有群码", "there is no join code"),
  out_of_reach: t("附近没有门店", "no store is in reach"),
  unknown_place: t("位置不明", "the place is not known"),
};
const rungs = {
  own: t("本店", "The store's own"),
  group: t("本店的群", "The store's group"),
  next_store: t("下一家门店", "The next store"),
  contact: t("店长", "The manager"),
  region: t("地区的群", "The region's group"),
  campaign: t("活动的群", "The campaign's group"),
};
const steps = {
  shown: [t("显示", "Shown"), "good"],
  full: [t("已满", "Full"), "bad"],
  passed: [t("跳过", "Passed over"), ""],
  not_reached: [t("轮不到", "Not reached"), ""],
};
const badge = ([text, kind]) => el("span", { class: `badge ${kind}` }, text);

const map = new ChainMap(document.getElementById("map"), { center: { lat: 33, lng: 108 }, zoom: 4 });
followChain(map);
map.onpick = (place) => {
  form.elements.at.value = `${place.lat.toFixed(6)}, ${place.lng.toFixed(6)}`;
  form.elements.datum.value = "wgs84";
  setMode("place");
  show();
};
map.onstore = (id) => explain({ store: id });

function setMode(to) {
  mode = to;
  for (const it of form.querySelectorAll("[data-mode]")) it.setAttribute("aria-pressed", String(it.dataset.mode === mode));
  for (const it of form.querySelectorAll("[data-for]")) it.hidden = it.dataset.for !== mode;
  form.querySelector(".go").textContent = mode === "here" ? t("用我现在的位置", "Use my position") : t("看结果", "Show the decision");
}

function complainHere(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

/** The best position that the phone finds in a few seconds. */
function measure() {
  const said = document.getElementById("here");
  return new Promise((resolve, reject) => {
    if (!window.isSecureContext || !navigator.geolocation) {
      reject(new Error(t("浏览器只把位置交给 https 网页,请用 https 打开本页", "Browsers give the position to https pages only; open this page by https")));
      return;
    }
    let best = null;
    const end = () => {
      navigator.geolocation.clearWatch(watch);
      clearTimeout(timer);
      if (best) resolve(best);
      else reject(new Error(t("手机没有给出位置", "The phone gives no position")));
    };
    const timer = setTimeout(end, LOOK_MS);
    const watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        if (!best || coords.accuracy < best.accuracy) best = coords;
        said.textContent = t(`正在定位……误差约 ${Math.round(best.accuracy)} 米`, `Looking … within ${Math.round(best.accuracy)} m`);
        if (best.accuracy <= GOOD_ACCURACY_M) end();
      },
      (error) => {
        if (best) return;
        clearTimeout(timer);
        navigator.geolocation.clearWatch(watch);
        reject(new Error(error.code === 1 ? t("没有允许本页使用位置,请在手机设置里打开", "This page may not use the position; allow it in the phone's settings") : t("手机没有给出位置", "The phone gives no position")));
      },
      { enableHighAccuracy: true, maximumAge: 0, timeout: LOOK_MS },
    );
  });
}

async function show() {
  complainHere("");
  measured = null;
  try {
    if (mode === "here") {
      const { latitude, longitude, accuracy } = await measure();
      measured = { lat: latitude, lng: longitude, accuracy };
      document.getElementById("here").textContent = t(`已定位,误差约 ${Math.round(accuracy)} 米`, `Found, within ${Math.round(accuracy)} m`);
      await explain({ lat: latitude, lng: longitude, datum: "wgs84", accuracy_m: Math.round(accuracy) });
    } else if (mode === "ip") {
      await explain({ ip: form.elements.ip.value.trim() });
    } else {
      const { data } = await api("POST", "positions/parse", { text: form.elements.at.value, datum: form.elements.datum.value });
      await explain({ lat: data.lat, lng: data.lng, datum: "wgs84", accuracy_m: form.elements.accuracy_m.value });
    }
  } catch (error) {
    complainHere(inWords(error));
  }
}

/** What is wrong with what was typed, by field. */
function inWords(error) {
  const names = { text: t("位置", "The place"), lat: t("纬度", "The latitude"), lng: t("经度", "The longitude"), ip: t("网络地址", "The address"), accuracy_m: t("误差半径", "The radius") };
  return error.errors?.length ? error.errors.map((it) => `${names[it.field] ?? it.field}: ${fault(it)}`).join("; ") : error.message;
}

async function explain(asked) {
  const all = { ...asked, campaign: form.elements.campaign.value };
  const query = new URLSearchParams(Object.entries(all).filter(([, it]) => it !== "" && it !== undefined));
  try {
    const { data } = await api("GET", `explain?${query}`);
    complainHere("");
    render(data);
  } catch (error) {
    complainHere(inWords(error));
  }
}

function outcome(data) {
  const store = data.considered.find((it) => it.id === data.store);
  const region = [data.region.province, data.region.city, data.region.district, ...data.region.areas].filter(Boolean).join(" ");
  const lines = [
    data.distance_m === null ? null : t(`距离 ${distanceText(data.distance_m)}`, `${distanceText(data.distance_m)} away`),
    data.accuracy_m === null ? null : t(`位置误差约 ${Math.round(data.accuracy_m)} 米`, `The place is known within ${Math.round(data.accuracy_m)} m`),
    data.opens_at ? t(`现在不营业,${data.opens_at.slice(5, 16).replace("T", " ")} 开门`, `Closed now, opens at ${data.opens_at.slice(5, 16).replace("T", " ")}`) : null,
    data.fallback ? t(`改为「${rungs[data.fallback.rung] ?? data.fallback.rung}」,因为${reasons[data.fallback.reason] ?? data.fallback.reason}`, `${rungs[data.fallback.rung] ?? data.fallback.rung} instead, because ${reasons[data.fallback.reason] ?? data.fallback.reason}`) : null,
    data.campaign === data.served_by ? null : t(`活动「${data.campaign}」没有在进行,由「${data.served_by}」接待`, `The campaign ${data.campaign} does not run; ${data.served_by} answers`),
    region ? t(`标签:${region}`, `Tag: ${region}`) : null,
  ];
  const place = document.getElementById("outcome");
  place.replaceChildren(
    el("div", { class: "row" },
      el("div", { class: "said" },
        el("p", {}, badge([outcomes[data.outcome] ?? data.outcome, data.outcome === "routed" ? "good" : "warn"])),
        el("h2", {}, data.store ? (store?.name ?? data.store) : t("没有门店", "No store")),
        data.join ? el("p", {}, data.join.kind === "group" ? t("群:", "Group: ") : t("联系人:", "Contact: "), data.join.name || data.join.id) : el("p", { class: "error" }, t("什么码都没有", "No code at all")),
        lines.filter(Boolean).map((it) => el("p", { class: "soft" }, it))),
      data.join ? el("img", { src: `/qr/${data.join.picture}.svg`, alt: t(`${data.join.name} 的码`, `Code of ${data.join.name}`), width: 118, height: 118 }) : null),
  );
  place.hidden = false;
}

/** Whether the measured place is good enough to be a store's. */
const isGood = () => measured !== null && measured.accuracy <= FIX_ACCURACY_M_MAX;

async function mend(store) {
  const far = distanceText(metres(measured, store));
  const question = t(
    `把「${store.name}」的坐标改成我现在的位置?\n误差约 ${Math.round(measured.accuracy)} 米,和原来的坐标相距 ${far}。`,
    `Put “${store.name}” where I stand?\nKnown within ${Math.round(measured.accuracy)} m, ${far} from where it is now.`,
  );
  if (!(await ask(question, { yes: t("改坐标", "Move it") }))) return;
  const path = `stores/${encodeURIComponent(store.id)}`;
  try {
    const { etag } = await api("GET", path);
    const round = (it) => Math.round(it * 1e6) / 1e6;
    await api("PATCH", path, { lat: round(measured.lat), lng: round(measured.lng), datum: "wgs84" }, { etag });
    toast(t("坐标已改,马上生效", "Moved, and live at once"));
    await explain({ lat: measured.lat, lng: measured.lng, datum: "wgs84", accuracy_m: Math.round(measured.accuracy) });
  } catch (error) {
    complain(error);
  }
}

function considered(data) {
  const mends = measured !== null && may("ops");
  const head = [t("门店", "Store"), t("距离", "Distance"), t("现在", "Now"), t("为什么", "Why"), ...(mends ? [""] : [])];
  const open = (it) => (it === null ? t("未知", "unknown") : it ? t("营业", "open") : t("休息", "closed"));
  const rows = data.considered.map((it) =>
    el("tr", { class: it.id === data.store ? "chosen" : null },
      el("td", {}, it.name, el("span", { class: "sub" }, it.id)),
      el("td", { class: "number" }, distanceText(it.distance_m)),
      el("td", {}, open(it.open)),
      el("td", {}, badge(verdicts[it.verdict] ?? [it.verdict, ""])),
      mends ? el("td", {}, el("button", { type: "button", class: "mend", disabled: !isGood(), onclick: () => mend(it) }, t("我就在这家店", "I am in this one"))) : null),
  );
  document.getElementById("considered").replaceChildren(
    mends && !isGood() ? el("p", { class: "error" }, t(`位置误差超过 ${FIX_ACCURACY_M_MAX} 米,不能用来改坐标;请到窗边或门口再试。`, `The place is not known within ${FIX_ACCURACY_M_MAX} m, too rough to move a store; try again by the window or the door.`)) : "",
    el("table", {}, el("thead", {}, el("tr", {}, head.map((it, place) => el("th", { scope: "col", class: place === 1 ? "number" : null }, it)))), el("tbody", {}, rows)),
  );
}

function ladder(data) {
  const heads = (it) => (it.heads === null ? "" : `${it.heads.toFixed(it.heads % 1 ? 1 : 0)} / ${it.capacity}`);
  const rows = data.steps.map((it) =>
    el("tr", {},
      el("td", {}, rungs[it.rung] ?? it.rung),
      el("td", {}, it.store ?? "–"),
      el("td", {}, it.kind === "group" ? t("群", "Group") : t("联系人", "Contact"), " ", it.id),
      el("td", { class: "number" }, heads(it)),
      el("td", {}, badge(steps[it.verdict] ?? [it.verdict, ""]))),
  );
  const head = [t("层级", "Rung"), t("门店", "Store"), t("码", "Code"), t("人数", "Heads"), t("结果", "Verdict")];
  document.getElementById("ladder").replaceChildren(
    rows.length
      ? el("table", {}, el("thead", {}, el("tr", {}, head.map((it, place) => el("th", { scope: "col", class: place === 3 ? "number" : null }, it)))), el("tbody", {}, rows))
      : el("p", { class: "empty" }, t("没有可以显示的码", "There is no code to show")),
  );
}

function onMap(data) {
  map.setPin(data.place, { draggable: true, label: t("测试的位置", "The place"), onmove: (place, isDone) => isDone && map.onpick(place) });
  map.choose(data.store);
  const line = (it) => ({ from: data.place, to: it, kind: it.id === data.store ? "chosen" : "other" });
  map.setLines(data.place ? data.considered.filter((it) => !["closed", "not_in_campaign"].includes(it.verdict)).map(line) : []);
  const near = data.considered.filter((it) => it.distance_m < 3 * Math.max(1000, data.considered[0]?.distance_m ?? 0));
  map.fit([data.place, ...near, ...data.considered.filter((it) => it.id === data.store)], { zoomMax: 15 });
}

function render(data) {
  outcome(data);
  considered(data);
  ladder(data);
  onMap(data);
  document.getElementById("why").hidden = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
for (const it of form.querySelectorAll("[data-mode]")) it.addEventListener("click", () => setMode(it.dataset.mode));
form.elements.campaign.addEventListener("change", () => !document.getElementById("why").hidden && show());
const given = new URLSearchParams(location.search);
if (given.get("store")) explain({ store: given.get("store") });
if (given.has("here")) setMode("here");
