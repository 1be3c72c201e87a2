// Where things are on the map: Web Mercator, distances, and the datum that Chinese tiles are drawn in. Positions are WGS-84.

const RADIUS_M = 6378137;
const LAT_MAX = 85.0511287798;
const rad = (degrees) => (degrees * Math.PI) / 180;

/** WGS-84 to the square [0, 1] × [0, 1], north up. */
export function toWorld({ lat, lng }) {
  const sin = Math.sin(rad(Math.max(-LAT_MAX, Math.min(LAT_MAX, lat))));
  return { x: lng / 360 + 0.5, y: 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI) };
}

/** Back from the square. Longitudes come back between -180 and 180. */
export function fromWorld({ x, y }) {
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
  return { lat, lng: (x - Math.floor(x)) * 360 - 180 };
}

/** Metres between two places on a sphere: good to half a percent, for showing only. */
export function metres(a, b) {
  const dy = rad(b.lat - a.lat) / 2;
  const dx = rad(b.lng - a.lng) / 2;
  const h = Math.sin(dy) ** 2 + Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * Math.sin(dx) ** 2;
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Metres that a pixel is wide at a latitude. */
export const metresPerPixel = (lat, zoom) => (2 * Math.PI * RADIUS_M * Math.cos(rad(lat))) / (256 * 2 ** zoom);

/** A distance for people: `85 m`, `1.2 km`. */
export const distanceText = (m) => (m < 1000 ? `${Math.round(m)} m` : `${(m / 1000).toFixed(m < 10000 ? 1 : 0)} km`);

// GCJ-02, as published by its reverse engineers; the service has the exact one, this one only lays points over tiles.
const A = 6378245;
const EE = 0.00669342162296594323;

function shift(lat, lng) {
  const [x, y] = [lng - 105, lat - 35];
  const wave = (20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) / 1.5;
  const s = (v, a, b) => ((20 * Math.sin(v * Math.PI) + 40 * Math.sin((v / 3) * Math.PI) + a * Math.sin((v / 12) * Math.PI) + b) * 2) / 3;
  const north =
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + wave +
    s(y, 160, 320 * Math.sin((y * Math.PI) / 30));
  const east =
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + wave +
    s(x, 150, 300 * Math.sin((x / 30) * Math.PI));
  const root = 1 - EE * Math.sin(rad(lat)) ** 2;
  return {
    lat: (north * 180) / (((A * (1 - EE)) / (root * Math.sqrt(root))) * Math.PI),
    lng: (east * 180) / ((A / Math.sqrt(root)) * Math.cos(rad(lat)) * Math.PI),
  };
}

const isShifted = ({ lat, lng }) => lng > 72.004 && lng < 137.8347 && lat > 0.8293 && lat < 55.8271;

/** WGS-84 to the datum of the tiles. */
export function toDatum(place, datum) {
  if (datum !== "gcj02" || !isShifted(place)) return place;
  const by = shift(place.lat, place.lng);
  return { lat: place.lat + by.lat, lng: place.lng + by.lng };
}

/** Back from the datum of the tiles, within a millimetre. */
export function fromDatum(shown, datum) {
  if (datum !== "gcj02" || !isShifted(shown)) return shown;
  let place = shown;
  for (let i = 0; i < 4; i += 1) {
    const there = toDatum(place, datum);
    place = { lat: place.lat + shown.lat - there.lat, lng: place.lng + shown.lng - there.lng };
  }
  return place;
}
