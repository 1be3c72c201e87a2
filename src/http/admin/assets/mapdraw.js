// How the map is painted on its canvas, from the back to the front. Knows the view that `map.js` keeps; asks for nothing itself.

import { distanceText, metresPerPixel } from "./mapgeo.js";

/** Points nearer than this on the screen stand together as one circle with a count. */
const CLUSTER_PX = 58;
/** Up to so many points in view every one is drawn for itself. */
const SINGLES_MAX = 600;
const NAMES_MAX = 60;
const TILES_KEPT_MAX = 400;
const WIDTHS = { province: 1.6, city: 1.2, district: 0.8, area: 1 };

/** The colours of the page, as its style says them for light and dark. */
export function palette(element) {
  const style = getComputedStyle(element);
  const get = (name) => style.getPropertyValue(name).trim();
  return Object.fromEntries(
    ["land", "sea", "border", "label", "halo", "active", "paused", "closed", "line", "line-ink", "brand", "service"].map((it) => [it, get(`--map-${it}`)]),
  );
}

function trace(context, view, rings) {
  context.beginPath();
  for (const ring of rings) {
    let [lastX, lastY] = [NaN, NaN];
    ring.forEach((at, index) => {
      const [x, y] = view.px(at);
      // A step of less than a pixel is not seen.
      if (index > 0 && index < ring.length - 1 && Math.abs(x - lastX) < 1 && Math.abs(y - lastY) < 1) return;
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
      [lastX, lastY] = [x, y];
    });
    context.closePath();
  }
}

function text(context, colours, words, x, y) {
  context.lineWidth = 3;
  context.strokeStyle = colours.halo;
  context.strokeText(words, x, y);
  context.fillText(words, x, y);
}

function tiles(context, view, source, kept, redraw) {
  const z = Math.max(0, Math.min(source.zoomMax ?? 18, Math.round(view.zoom)));
  const count = 2 ** z;
  const size = (256 * 2 ** view.zoom) / count;
  const [left, top] = view.corner();
  for (let ty = Math.max(0, Math.floor(top * count)); ty < count; ty += 1) {
    const [, y] = view.px({ x: left, y: ty / count });
    if (y > view.height) break;
    for (let tx = Math.floor(left * count); ; tx += 1) {
      const x = (tx / count - left) * 256 * 2 ** view.zoom;
      if (x > view.width) break;
      const url = source.url.replace("{z}", z).replace("{x}", ((tx % count) + count) % count).replace("{y}", ty);
      let image = kept.get(url);
      if (!image) {
        image = new Image();
        image.onload = redraw;
        image.referrerPolicy = "no-referrer";
        image.src = url;
        kept.set(url, image);
        if (kept.size > TILES_KEPT_MAX) kept.delete(kept.keys().next().value);
      }
      if (image.complete && image.naturalWidth > 0) context.drawImage(image, x, y, size + 0.5, size + 0.5);
    }
  }
}

function shapes(context, view, colours, list, hasTiles) {
  const names = [];
  for (const it of list) {
    if (!view.sees(it.box)) continue;
    const isService = it.kind === "service";
    trace(context, view, it.rings);
    if (isService || !hasTiles) {
      context.fillStyle = isService ? colours.service : colours.land;
      context.globalAlpha = isService ? 0.22 : 1;
      context.fill("evenodd");
      context.globalAlpha = 1;
    }
    context.lineWidth = isService ? 2 : (WIDTHS[it.kind] ?? 1);
    context.strokeStyle = isService ? colours.service : colours.border;
    context.setLineDash(it.kind === "area" ? [5, 4] : []);
    context.stroke();
    const [width, height] = [(it.box.right - it.box.left) * view.scale, (it.box.bottom - it.box.top) * view.scale];
    if (it.name && width > 44 && height > 24) names.push({ it, width, height });
  }
  context.setLineDash([]);
  context.textAlign = "center";
  context.textBaseline = "middle";
  const taken = [];
  names.sort((a, b) => b.width - a.width);
  for (const { it, width } of names) {
    context.font = `${it.kind === "province" ? 600 : 400} ${width > 220 ? 14 : 12}px system-ui, sans-serif`;
    const [x, y] = view.px(it.label);
    const half = context.measureText(it.name).width / 2;
    const box = [x - half - 4, y - 9, x + half + 4, y + 9];
    const isFree = taken.every((at) => box[2] < at[0] || box[0] > at[2] || box[3] < at[1] || box[1] > at[3]);
    if (half * 2 > width * 1.3 || !isFree) continue;
    taken.push(box);
    context.fillStyle = colours.label;
    text(context, colours, it.name, x, y);
  }
}

function areas(context, view, list) {
  for (const it of list) {
    if (!view.sees(it.box)) continue;
    trace(context, view, it.rings);
    context.fillStyle = it.colour;
    context.globalAlpha = 0.3;
    context.fill("evenodd");
    context.globalAlpha = 0.8;
    context.lineWidth = 1;
    context.strokeStyle = it.colour;
    context.stroke();
    context.globalAlpha = 1;
  }
}

function lines(context, view, colours, list) {
  context.lineCap = "round";
  for (const it of list) {
    const [x1, y1] = view.px(it.from);
    const [x2, y2] = view.px(it.to);
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    const isChosen = it.kind === "chosen";
    context.setLineDash(it.kind === "moved" ? [2, 6] : isChosen ? [] : [6, 5]);
    context.lineWidth = isChosen ? 3 : 2;
    context.strokeStyle = isChosen ? colours.brand : it.colour || colours["line-ink"];
    context.stroke();
  }
  context.setLineDash([]);
}

/** Points of one zoom step, those near each other as one. Cells stand still while the map is moved. */
export function clustered(points, zoom) {
  const cell = CLUSTER_PX / (256 * 2 ** zoom);
  const cells = new Map();
  for (const it of points) {
    const key = `${Math.floor(it.x / cell)} ${Math.floor(it.y / cell)}`;
    const has = cells.get(key);
    if (has) {
      has.x += it.x * it.count;
      has.y += it.y * it.count;
      has.count += it.count;
      has.items += 1;
    } else cells.set(key, { x: it.x * it.count, y: it.y * it.count, count: it.count, items: 1, only: it });
  }
  return [...cells.values()].map((it) => (it.items === 1 ? it.only : { x: it.x / it.count, y: it.y / it.count, count: it.count }));
}

/** What is to be drawn as points: single stores, or circles with counts where they are many. */
export function visible(view, points, steps) {
  const inView = (it) => {
    const [x, y] = view.px(it);
    return x > -20 && y > -20 && x < view.width + 20 && y < view.height + 20;
  };
  const step = Math.floor(view.zoom);
  if (view.zoom >= 17 || points.length <= SINGLES_MAX) return points.filter(inView);
  if (!steps.has(step)) steps.set(step, clustered(points, step));
  const few = steps.get(step).filter(inView);
  if (few.reduce((sum, it) => sum + it.count, 0) > SINGLES_MAX) return few;
  return points.filter(inView);
}

function stores(context, view, colours, list, chosen) {
  const singles = list.filter((it) => it.count === 1);
  for (const it of list) {
    const [x, y] = view.px(it);
    context.beginPath();
    if (it.count > 1) {
      const radius = 13 + 3 * Math.log10(it.count);
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.globalAlpha = 0.92;
      context.fillStyle = colours.active;
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = 3;
      context.strokeStyle = colours.halo;
      context.stroke();
      context.fillStyle = colours.halo;
      context.font = "600 12px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(it.count > 9999 ? `${Math.round(it.count / 1000)}k` : it.count, x, y);
      continue;
    }
    context.arc(x, y, it.id === chosen ? 8 : 5.5, 0, 2 * Math.PI);
    context.fillStyle = colours[it.status] || colours.active;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = colours.halo;
    context.stroke();
  }
  if (singles.length > NAMES_MAX) return;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = colours.label;
  const taken = [];
  for (const it of singles) {
    const [x, y] = view.px(it);
    const name = it.name.length > 18 ? `${it.name.slice(0, 17)}…` : it.name;
    const box = [x + 9, y - 8, x + 12 + context.measureText(name).width, y + 8];
    if (!taken.every((at) => box[2] < at[0] || box[0] > at[2] || box[3] < at[1] || box[1] > at[3])) continue;
    taken.push(box);
    text(context, colours, name, x + 10, y);
  }
}

function scaleBar(context, view, colours, lat) {
  const perPixel = metresPerPixel(lat, view.zoom);
  const power = 10 ** Math.floor(Math.log10(120 * perPixel));
  const length = [5, 2, 1].map((it) => it * power).find((it) => it <= 120 * perPixel) ?? power;
  const [x, y, width] = [12, view.height - 14, length / perPixel];
  context.strokeStyle = colours.halo;
  for (const [wide, colour] of [[5, colours.halo], [2, colours.label]]) {
    context.lineWidth = wide;
    context.strokeStyle = colour;
    context.beginPath();
    context.moveTo(x, y - 5);
    context.lineTo(x, y);
    context.lineTo(x + width, y);
    context.lineTo(x + width, y - 5);
    context.stroke();
  }
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillStyle = colours.label;
  text(context, colours, distanceText(length), x + 4, y - 3);
}

/** Paints everything. Returns the points as drawn, for what is under a finger. */
export function paint(context, view, colours, layers, redraw) {
  context.fillStyle = colours.sea;
  context.fillRect(0, 0, view.width, view.height);
  if (layers.tiles) tiles(context, view, layers.tiles, layers.tilesKept, redraw);
  context.lineJoin = "round";
  shapes(context, view, colours, layers.shapes, Boolean(layers.tiles));
  areas(context, view, layers.areas);
  lines(context, view, colours, layers.lines);
  const drawn = visible(view, layers.points, layers.steps);
  stores(context, view, colours, drawn, layers.chosen);
  scaleBar(context, view, colours, view.centerPlace().lat);
  return drawn;
}
