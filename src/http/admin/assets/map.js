// A small map of our own: regions as outlines, stores as points, a pin that is moved by mouse, touch and keyboard. It asks no
// outside host for anything, unless the operator names a source of tiles. All positions that go in and come out are WGS-84.

import { api, el, later, t } from "./admin.js";
import { paint, palette } from "./mapdraw.js";
import { distanceText, fromDatum, fromWorld, metres, metresPerPixel, toDatum, toWorld } from "./mapgeo.js";

export { distanceText, metres };

const ZOOM_MIN = 2;
const ZOOM_MAX = 20;
const TOUCH_PX = 16;
const MOVED_PX = 5;

/** The tiles that the page names, if the operator has any. */
function tilesOfPage() {
  const node = document.querySelector("meta[name=map-tiles]");
  return node ? { url: node.content, attribution: node.dataset.attribution, datum: node.dataset.datum } : null;
}

/** The whole of the given world points. */
function boxOf(rings) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const ring of rings) {
    for (const { x, y } of ring) {
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
    }
  }
  return box;
}

function isInside(ring, { x, y }) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [a, b] = [ring[i], ring[j]];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

/** What the painter needs to know of the view. Positions in it are world points, see `mapgeo.js`. */
class View {
  constructor(map) {
    Object.assign(this, { map, x: 0.5, y: 0.5, zoom: 4, width: 1, height: 1 });
  }
  get scale() {
    return 256 * 2 ** this.zoom;
  }
  corner() {
    return [this.x - this.width / 2 / this.scale, this.y - this.height / 2 / this.scale];
  }
  px({ x, y }) {
    const dx = x - this.x;
    // The shorter way around the world.
    return [(dx - Math.round(dx)) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
  }
  world(x, y) {
    return { x: this.x + (x - this.width / 2) / this.scale, y: this.y + (y - this.height / 2) / this.scale };
  }
  sees(box) {
    const middle = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
    const [x, y] = this.px(middle);
    const [w, h] = [((box.right - box.left) / 2) * this.scale, ((box.bottom - box.top) / 2) * this.scale];
    return x + w > 0 && y + h > 0 && x - w < this.width && y - h < this.height;
  }
  centerPlace() {
    return this.map.place(this);
  }
}

/**
 * The map in an element. `tiles` is null, a URL with `{x}`, `{y}` and `{z}`, or `{url, attribution, datum}`; left out, it is what
 * the page names.
 * Set `onpick(place)` for clicks on empty map, `onstore(id)` for clicks on stores, `onview()` for moves of the view.
 */
export class ChainMap {
  constructor(element, { center = { lat: 34, lng: 108 }, zoom = 4, tiles = tilesOfPage() } = {}) {
    this.element = element;
    this.tiles = typeof tiles === "string" ? { url: tiles } : tiles;
    this.view = new View(this);
    this.layers = { shapes: [], areas: [], lines: [], points: [], steps: new Map(), tiles: this.tiles, tilesKept: new Map(), chosen: null };
    this.drawn = [];
    this.fingers = new Map();
    [this.onpick, this.onstore, this.onview] = [null, null, null];
    this.#build();
    this.#listen();
    this.setView(center, zoom);
  }

  #build() {
    this.canvas = el("canvas", { tabindex: "0", role: "application", "aria-label": t("地图:方向键移动,加减键缩放", "Map: arrow keys move it, plus and minus zoom") });
    this.voice = el("div", { class: "map-voice", role: "status", "aria-live": "polite" });
    this.tip = el("div", { class: "map-tip", hidden: true });
    const button = (label, sign, act) => el("button", { type: "button", "aria-label": label, title: label, onclick: act }, sign);
    const buttons = el(
      "div",
      { class: "map-buttons" },
      button(t("放大", "Zoom in"), "+", () => this.zoomBy(1)),
      button(t("缩小", "Zoom out"), "−", () => this.zoomBy(-1)),
    );
    this.element.classList.add("chain-map");
    if (!document.querySelector('link[href*="map.css"]')) {
      document.head.append(el("link", { rel: "stylesheet", href: "/admin/assets/map.css", onload: () => ((this.colours = palette(this.element)), this.redraw()) }));
    }
    this.element.replaceChildren(this.canvas, buttons, this.tip, this.voice);
    if (this.tiles?.attribution) this.element.append(el("span", { class: "map-credit" }, this.tiles.attribution));
    this.context = this.canvas.getContext("2d");
    this.colours = palette(this.element);
    const fit = () => {
      const { width, height } = this.element.getBoundingClientRect();
      if (width < 1 || height < 1) return;
      const density = window.devicePixelRatio || 1;
      Object.assign(this.view, { width, height });
      [this.canvas.width, this.canvas.height] = [Math.round(width * density), Math.round(height * density)];
      this.density = density;
      if (this.wanted) this.fit(this.wanted);
      this.redraw();
      this.onviewLater?.();
    };
    new ResizeObserver(fit).observe(this.element);
    fit();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.colours = palette(this.element);
      this.redraw();
    });
    this.onviewLater = later(() => this.onview?.(), 150);
  }

  /** The place that a world point stands for. */
  place(world) {
    return fromDatum(fromWorld(world), this.tiles?.datum);
  }

  #point(place) {
    return toWorld(toDatum(place, this.tiles?.datum));
  }

  /** Where a place is on the element, in pixels. */
  project(place) {
    const [x, y] = this.view.px(this.#point(place));
    return { x, y };
  }

  setView(center, zoom = this.view.zoom) {
    const { x, y } = this.#point(center);
    Object.assign(this.view, { x, y, zoom: Math.max(ZOOM_MIN, Math.min(ZOOM_MAX, zoom)) });
    this.#moved();
  }

  /** Shows all of these places. */
  fit(places, { zoomMax = 16 } = {}) {
    const list = places.filter((it) => it && Number.isFinite(it.lat) && Number.isFinite(it.lng));
    if (list.length === 0) return;
    const { width, height } = this.view;
    // Before the element has a size, what to show is kept for when it has one.
    this.wanted = width <= 1 ? list : null;
    const box = boxOf([list.map((it) => this.#point(it))]);
    const room = (size, span) => (span > 0 ? Math.log2((Math.max(40, size - 80) / span) / 256) : ZOOM_MAX);
    const zoom = Math.min(zoomMax, room(width, box.right - box.left), room(height, box.bottom - box.top));
    Object.assign(this.view, { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, zoom: Math.max(ZOOM_MIN, zoom) });
    this.#moved();
  }

  /** Zooms by steps, the point under (x, y) stays where it is. */
  zoomBy(steps, x = this.view.width / 2, y = this.view.height / 2) {
    const held = this.view.world(x, y);
    this.view.zoom = Math.max(ZOOM_MIN, Math.min(ZOOM_MAX, this.view.zoom + steps));
    const now = this.view.world(x, y);
    this.view.x += held.x - now.x;
    this.view.y += held.y - now.y;
    this.#moved();
  }

  panBy(dx, dy) {
    this.view.x += dx / this.view.scale;
    this.view.y += dy / this.view.scale;
    this.#moved();
  }

  #moved() {
    this.view.x -= Math.floor(this.view.x);
    this.view.y = Math.max(0, Math.min(1, this.view.y));
    this.tip.hidden = true;
    this.redraw();
    this.onviewLater();
  }

  /** The corners of what is seen: `{south, west, north, east}`, and the zoom. */
  bounds() {
    const { width, height, x } = this.view;
    const [a, b] = [this.place(this.view.world(0, height)), this.place(this.view.world(width, 0))];
    const isWhole = width / this.view.scale >= 1;
    return { south: a.lat, north: b.lat, west: isWhole ? -180 : a.lng, east: isWhole ? 180 : b.lng, zoom: this.view.zoom, x };
  }

  /** Stores as points: `{id, name, lat, lng, status}`; with `count` many of them in one. */
  setStores(list) {
    this.layers.points = list.map((it) => ({ ...this.#point(it), id: it.id, name: it.name ?? "", status: it.status ?? "active", count: it.count ?? 1, at: it }));
    this.layers.steps = new Map();
    this.redraw();
  }

  /** The store that stands out. */
  choose(id) {
    this.layers.chosen = id;
    this.redraw();
  }

  /** Outlines: `{name, rings: [[{lat, lng}]], kind, label}`; kinds are province, city, district, area and service. */
  setShapes(list) {
    const order = ["province", "city", "district", "area", "service"];
    this.layers.shapes = list
      .map((it) => {
        const rings = it.rings.map((ring) => ring.map((at) => this.#point(at)));
        const box = boxOf(rings);
        const middle = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
        return { name: it.name ?? "", kind: it.kind, rings, box, label: it.label ? this.#point(it.label) : middle };
      })
      .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    this.redraw();
  }

  /** Coloured polygons: `{polygon: [{lat, lng}], colour, title}`, or with `rings` where there are holes; the title is shown under the mouse. */
  setAreas(list) {
    this.layers.areas = list.map((it) => {
      const rings = (it.rings ?? [it.polygon]).map((ring) => ring.map((at) => this.#point(at)));
      return { rings, box: boxOf(rings), colour: it.colour, title: it.title ?? "" };
    });
    this.redraw();
  }

  /** Lines: `{from, to, kind, colour}`; kinds are chosen, moved, and any other for a dashed one. */
  setLines(list) {
    this.layers.lines = list.map((it) => ({ ...it, from: this.#point(it.from), to: this.#point(it.to) }));
    this.redraw();
  }

  /** The pin; null takes it away. `onmove(place, isDone)` is told while it moves, and once when it is let go. */
  setPin(place, { draggable = true, onmove = null, label = t("门店位置", "Place of the store") } = {}) {
    if (!place) {
      this.pin?.remove();
      this.pin = null;
      return;
    }
    if (!this.pin) {
      this.pin = el("button", { type: "button", class: "map-pin" });
      this.canvas.after(this.pin);
      this.#listenPin();
    }
    Object.assign(this, { pinPlace: { lat: place.lat, lng: place.lng }, pinMoves: draggable, onPinMove: onmove ?? this.onPinMove });
    this.pin.setAttribute("aria-label", draggable ? `${label}: ${t("方向键移动,按住 Shift 走大步", "arrow keys move it, with Shift in larger steps")}` : label);
    this.redraw();
  }

  #movePin(place, isDone) {
    this.pinPlace = place;
    this.redraw();
    this.onPinMove?.(place, isDone);
    if (isDone) this.#say(`${place.lat.toFixed(6)}, ${place.lng.toFixed(6)}`);
  }

  #say(words) {
    this.voice.textContent = words;
  }

  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const { context, density = 1 } = this;
      context.setTransform(density, 0, 0, density, 0, 0);
      this.drawn = paint(context, this.view, this.colours, this.layers, () => this.redraw());
      if (this.pin && this.pinPlace) {
        const { x, y } = this.project(this.pinPlace);
        this.pin.style.transform = `translate(${x}px, ${y}px)`;
        Object.assign(this.pin.dataset, { lat: this.pinPlace.lat, lng: this.pinPlace.lng });
      }
    });
  }

  #at(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #under(x, y) {
    let best = null;
    for (const it of this.drawn) {
      const [px, py] = this.view.px(it);
      const far = Math.hypot(px - x, py - y);
      if (far < TOUCH_PX && (!best || far < best.far)) best = { it, far };
    }
    return best?.it ?? null;
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      canvas.setPointerCapture(event.pointerId);
      const [x, y] = this.#at(event);
      this.fingers.set(event.pointerId, { x, y, startX: x, startY: y });
      this.isTap = this.fingers.size === 1;
    });
    canvas.addEventListener("pointermove", (event) => this.#pointerMove(event));
    const up = (event) => {
      const finger = this.fingers.get(event.pointerId);
      this.fingers.delete(event.pointerId);
      if (finger && this.isTap && event.type === "pointerup") this.#tap(finger.x, finger.y);
      this.isTap = false;
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const lines = event.deltaMode === 1 ? 30 : 1;
        this.zoomBy(-Math.max(-1, Math.min(1, (event.deltaY * lines) / 300)), ...this.#at(event));
      },
      { passive: false },
    );
    canvas.addEventListener("dblclick", (event) => this.zoomBy(1, ...this.#at(event)));
    canvas.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 240 : 60;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (moves[event.key]) this.panBy(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoomBy(1);
      else if (event.key === "-") this.zoomBy(-1);
      else return;
      event.preventDefault();
    });
  }

  #pointerMove(event) {
    const [x, y] = this.#at(event);
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return this.#hover(x, y);
    if (this.isTap && Math.hypot(x - finger.startX, y - finger.startY) < MOVED_PX) return undefined;
    this.isTap = false;
    const other = [...this.fingers.entries()].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const before = Math.hypot(finger.x - other.x, finger.y - other.y);
      const now = Math.hypot(x - other.x, y - other.y);
      if (before > 10 && now > 10) this.zoomBy(Math.log2(now / before), (x + other.x) / 2, (y + other.y) / 2);
      this.panBy((finger.x - x) / 2, (finger.y - y) / 2);
    } else this.panBy(finger.x - x, finger.y - y);
    Object.assign(finger, { x, y });
    return undefined;
  }

  #hover(x, y) {
    const store = this.#under(x, y);
    const world = this.view.world(x, y);
    const area = store ? null : this.layers.areas.findLast((it) => it.rings.filter((ring) => isInside(ring, world)).length % 2);
    const words = store ? (store.count > 1 ? t(`${store.count} 家门店`, `${store.count} stores`) : store.name) : area?.title;
    this.tip.hidden = !words;
    if (!words) return;
    this.tip.textContent = words;
    this.tip.style.left = `${Math.max(70, Math.min(this.view.width - 70, x))}px`;
    this.tip.style.top = `${Math.max(40, y)}px`;
  }

  #tap(x, y) {
    const store = this.#under(x, y);
    if (store && store.count > 1) this.zoomBy(2, x, y);
    else if (store?.id && this.onstore) this.onstore(store.id);
    else this.onpick?.(this.place(this.view.world(x, y)));
  }

  #listenPin() {
    const { pin } = this;
    let held = null;
    pin.addEventListener("pointerdown", (event) => {
      if (!this.pinMoves || event.button > 0) return;
      pin.setPointerCapture(event.pointerId);
      const [x, y] = this.#at(event);
      const tip = this.project(this.pinPlace);
      // The point of the pin keeps its distance from the finger.
      held = { dx: tip.x - x, dy: tip.y - y, hasMoved: false };
    });
    pin.addEventListener("pointermove", (event) => {
      if (!held) return;
      const [x, y] = this.#at(event);
      held.hasMoved = true;
      this.#movePin(this.place(this.view.world(x + held.dx, y + held.dy)), false);
    });
    const drop = () => {
      if (held?.hasMoved) this.#movePin(this.pinPlace, true);
      held = null;
    };
    pin.addEventListener("pointerup", drop);
    pin.addEventListener("pointercancel", drop);
    const tell = later(() => this.#movePin(this.pinPlace, true), 400);
    pin.addEventListener("keydown", (event) => {
      const turns = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!turns || !this.pinMoves) return;
      event.preventDefault();
      // At least a metre, at least two pixels: a step that is seen, and fine where the map is near.
      const step = Math.max(2, 1 / metresPerPixel(this.pinPlace.lat, this.view.zoom)) * (event.shiftKey ? 10 : 1);
      const { x, y } = this.project(this.pinPlace);
      this.#movePin(this.place(this.view.world(x + turns[0] * step, y + turns[1] * step)), false);
      tell();
    });
  }
}

/** Keeps a map filled with the regions and stores of the catalog that are in view. `params` go along: `status`, `city`, `q`. */
export function followChain(map, { stores = true, shapes = true, extraShapes = () => [], params = () => ({}) } = {}) {
  let running = null;
  const load = async () => {
    running?.abort();
    running = new AbortController();
    const { south, west, north, east, zoom } = map.bounds();
    const query = new URLSearchParams({ bbox: [west, south, east, north].map((it) => it.toFixed(5)).join(","), zoom: String(Math.round(zoom)), ...params() });
    try {
      const { data } = await api("GET", `map?${query}`, undefined, { signal: running.signal });
      const ring = ({ lats, lngs }) => lats.map((lat, index) => ({ lat, lng: lngs[index] }));
      const outlines = data.shapes.map((it) => ({ ...it, rings: it.rings.map(ring) }));
      if (shapes) map.setShapes([...outlines, ...extraShapes()]);
      if (stores) map.setStores(data.stores);
    } catch (error) {
      if (error.name !== "AbortError") map.element.dispatchEvent(new CustomEvent("mapfailed", { detail: error }));
    }
  };
  map.onview = load;
  load();
  return load;
}
