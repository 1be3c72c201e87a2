// Who would be routed where: the areas of the stores in view, and what a change that nobody has published would do to them.
import { api, el, later, t } from "./admin.js";
import { ChainMap, followChain } from "./map.js";

const COLOURS = ["#2b7a5f", "#3d7ea6", "#b7791f", "#8a4f9e", "#c0553f", "#6b7f2a"];
const CHANGED = "#e11d48";
const OVERLAP = "#7c3aed";
const POINTS = 120;
const STORES_SHOWN = 50;

const form = document.getElementById("ask");
const chosen = document.getElementById("chosen");
const map = new ChainMap(document.getElementById("map"), { center: { lat: 33, lng: 108 }, zoom: 4 });
let changes = [];
let adding = false;
let moving = null;
let running = null;
let seen = null;

const percent = (part, of) => `${((part / Math.max(1, of)) * 100).toFixed(1)} %`;
const ring = ({ lats, lngs }) => lats.map((lat, at) => ({ lat, lng: lngs[at] }));
const mark = (colour, text) => {
  const sign = el("i");
  sign.style.setProperty("--mark", colour);
  return el("span", {}, sign, text);
};

async function load() {
  const wrong = document.getElementById("wrong");
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const { south, west, north, east } = map.bounds();
  const bbox = [west, Math.max(-85, south), east, Math.min(85, north)].map((it) => it.toFixed(5)).join(",");
  const query = new URLSearchParams({ bbox, size: String(POINTS), campaign: form.elements.campaign.value });
  try {
    const body = changes.length ? { changes: changes.map((it) => it.body) } : undefined;
    const { data } = await api(body ? "POST" : "GET", `catchment?${query}`, body, { signal });
    seen = data;
    wrong.hidden = true;
    draw(data);
    tell(data);
  } catch (error) {
    if (error.name === "AbortError") return;
    wrong.textContent = error.message;
    wrong.hidden = false;
  }
}

function draw(data) {
  const areas = data.stores
    .filter((it) => it.rings.length)
    .map((it) => ({ rings: it.rings.map(ring), colour: COLOURS[it.colour], title: `${it.name} · ${percent(it.cells, data.cells)}` }));
  if (data.overlapping.length) areas.push({ rings: data.overlapping.map(ring), colour: OVERLAP, title: t("服务区重叠", "Service areas overlap") });
  if (data.changed.length) areas.push({ rings: data.changed.map(ring), colour: CHANGED, title: t("会换店", "Changes hands") });
  map.setAreas(areas);
}

function tell(data) {
  const legend = [mark("var(--line)", t(`空白:没有门店可达 ${percent(data.holes, data.cells)}`, `Blank: no store in reach, ${percent(data.holes, data.cells)}`))];
  if (data.overlapping.length) legend.push(mark(OVERLAP, t("服务区重叠", "Service areas overlap")));
  if (changes.length) legend.push(mark(CHANGED, t(`会换店 ${percent(data.changed_cells, data.cells)}`, `Changes hands, ${percent(data.changed_cells, data.cells)}`)));
  document.getElementById("legend").replaceChildren(...legend);
  const nobody = t("没有门店", "no store");
  const shifts = document.getElementById("shifts");
  shifts.hidden = changes.length === 0;
  shifts.replaceChildren(
    el("h2", {}, t("谁的顾客会换店", "Whose customers would change")),
    data.shifts.length
      ? el("ul", { class: "changes" }, data.shifts.filter((it) => it.cells * 2000 >= data.cells).map((it) => el("li", {}, el("span", {}, `${it.from_name ?? nobody} → ${it.to_name ?? nobody}`), el("span", { class: "soft" }, percent(it.cells, data.cells)))))
      : el("p", { class: "soft" }, t("画面里没有人会换店。", "Nobody in view would change.")),
  );
  const rows = data.stores.slice(0, STORES_SHOWN).map((it) => el("tr", {}, el("td", {}, mark(COLOURS[it.colour], it.name), el("span", { class: "soft" }, ` ${it.id}`)), el("td", { class: "number" }, percent(it.cells, data.cells))));
  document.getElementById("stores").replaceChildren(
    data.stores.length
      ? el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("门店", "Store")), el("th", { scope: "col", class: "number" }, t("占画面", "Of the view")))), el("tbody", {}, rows))
      : el("p", { class: "empty" }, t("画面里没有门店可达", "No store is in reach of anything in view")),
  );
  document.getElementById("overlaps").replaceChildren(
    ...(data.overlaps.length
      ? [el("h2", {}, t("重叠的服务区", "Service areas that overlap")), el("ul", { class: "changes" }, data.overlaps.map((it) => el("li", {}, el("span", {}, it.names.join(" × ")), el("span", { class: "soft" }, percent(it.cells, data.cells)))))]
      : []),
  );
}

function listed() {
  document.getElementById("changes").replaceChildren(
    ...changes.map((it) =>
      el("li", {}, el("span", {}, it.text), el("button", { type: "button", "aria-label": t(`撤掉:${it.text}`, `Take back: ${it.text}`), onclick: () => ((changes = changes.filter((other) => other !== it)), changed()) }, "×")),
    ),
  );
}

function changed() {
  listed();
  map.setLines(changes.filter((it) => it.from).map((it) => ({ from: it.from, to: it.place, kind: "moved" })));
  load();
}

/** One change of a store takes the place of the one before. */
function propose(change) {
  changes = [...changes.filter((it) => !change.body.store || it.body.store !== change.body.store), change];
  changed();
}

function drop() {
  moving = null;
  chosen.hidden = true;
  map.setPin(null);
  map.choose(null);
}

function choose(id) {
  const store = seen?.stores.find((it) => it.id === id) ?? map.layers.points.find((it) => it.id === id)?.at;
  if (!store) return;
  moving = { id, name: store.name || id, from: { lat: store.lat, lng: store.lng } };
  const name = moving.name;
  map.choose(id);
  map.setPin(moving.from, {
    label: name,
    onmove: (place, isDone) => {
      if (!isDone || !moving) return;
      propose({ body: { store: id, lat: place.lat, lng: place.lng, datum: "wgs84" }, text: t(`移动「${name}」`, `Move ${name}`), from: moving.from, place });
    },
  });
  const pause = () => {
    propose({ body: { store: id, status: "paused" }, text: t(`暂停「${name}」`, `Pause ${name}`) });
    drop();
  };
  chosen.replaceChildren(
    el("span", {}, t(`「${name}」:拖动图钉来移动,或者`, `${name}: drag the pin to move it, or`)),
    el("button", { type: "button", onclick: pause }, t("暂停", "Pause")),
    el("button", { type: "button", class: "link", onclick: drop }, t("完成", "Done")),
  );
  chosen.hidden = false;
}

map.onstore = choose;
map.onpick = (place) => {
  if (!adding) return;
  adding = false;
  const name = t("新店", "New store");
  propose({ body: { name, lat: place.lat, lng: place.lng, datum: "wgs84" }, text: t(`加一家店(${place.lat.toFixed(4)}, ${place.lng.toFixed(4)})`, `Add a store (${place.lat.toFixed(4)}, ${place.lng.toFixed(4)})`), place });
  hint();
};
function hint() {
  document.getElementById("hint").textContent = adding ? t("点地图上新店的位置。", "Tap the place of the new store on the map.") : t("点地图上的一家店来移动或暂停它。", "Tap a store on the map to move or pause it.");
  document.getElementById("add").setAttribute("aria-pressed", String(adding));
}
document.getElementById("add").addEventListener("click", () => ((adding = !adding), drop(), hint()));
form.addEventListener("submit", (event) => event.preventDefault());
form.elements.campaign.addEventListener("change", load);
function toCity() {
  const [west, south, east, north] = (form.elements.city.value || "73,18,135,53").split(",").map(Number);
  map.fit([{ lat: south, lng: west }, { lat: north, lng: east }], { zoomMax: 12 });
}
form.elements.city.addEventListener("change", toCity);
const follow = followChain(map);
map.onview = () => (follow(), soon());
const soon = later(load, 150);
toCity();
