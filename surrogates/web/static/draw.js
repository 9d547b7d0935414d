// Arrays as pictures: what a variable looks like follows from its axes, not from its name.

const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis, five of its colours
const TYPES = { f8: Float64Array, f4: Float32Array, i8: BigInt64Array, i4: Int32Array, i2: Int16Array, i1: Int8Array, u1: Uint8Array, b1: Uint8Array, u2: Uint16Array, u4: Uint32Array };

export function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const found = {};
  for (const entry of header.variables) {
    if (entry.text) { found[entry.name] = { ...entry, values: entry.text }; continue; }
    const count = entry.shape.reduce((a, b) => a * b, 1);
    const raw = new TYPES[entry.dtype](buffer, 4 + length + entry.offset, count);
    found[entry.name] = { ...entry, values: entry.dtype === "i8" ? Array.from(raw, Number) : raw };
  }
  return { variables: found, attrs: header.attrs };
}

export function kind(variable) {
  if (variable.text) return "text";
  const shape = variable.shape.slice(1), large = shape.filter((size) => size >= 8).length;
  if (coloured(shape)) return "image";
  if (shape.length >= 4 && shape.at(-1) <= 4) return "vectors"; // a field of vectors: its parts are left to the figure
  if (large >= 3) return "volume";
  if (shape.length >= 2 && shape.at(-1) >= 8 && shape.at(-2) >= 8) return "image";
  if (shape.length === 1 && shape[0] > 1 && !variable.count) return "line";
  return "number";
}

const coloured = (shape) => shape.length === 3 && shape[2] <= 4 && shape[0] >= 8 && shape[1] >= 8; // (y, x, channel), as photographs are

export function planes(variable, row) {
  const shape = variable.shape.slice(1), last = coloured(shape), [h, w] = last ? shape : shape.slice(-2), size = h * w;
  const each = shape.reduce((a, b) => a * b, 1), all = variable.values.subarray(row * each, (row + 1) * each);
  if (last) return { h, w, last, up: false, parts: Array.from({ length: shape[2] }, (_, i) => all.filter((_, at) => at % shape[2] === i)) };
  return { h, w, parts: Array.from({ length: each / size }, (_, i) => all.subarray(i * size, (i + 1) * size)), up: variable.dims.at(-2) === "lat" };
}

export function bounds(values) {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return [at(0.005), at(0.997)];
}

function colour(share) {
  const place = Math.max(0, Math.min(0.9999, share)) * (STOPS.length - 1), i = Math.floor(place), t = place - i;
  return STOPS[i].map((low, channel) => low + t * (STOPS[i + 1][channel] - low));
}

function photograph(context, pixels, parts) { // grey, RGB, either with alpha: from 0 to 1, or to 255
  const most = parts.some((part) => part.some((v) => v > 1)) ? 255 : 1, grey = parts.length < 3, alpha = parts.length % 2 ? null : parts.at(-1);
  for (let i = 0; i < parts[0].length; i++) {
    const shown = grey ? [parts[0][i], parts[0][i], parts[0][i]] : [parts[0][i], parts[1][i], parts[2][i]];
    pixels.data.set([...shown.map((v) => Math.round(255 * v / most)), alpha ? 255 * alpha[i] / most : 255], 4 * i);
  }
  context.putImageData(pixels, 0, 0);
}

export function image(canvas, variable, row, plane, shares = [0, 1]) { // shares: of the range, the darkest and the brightest shown
  const { h, w, parts, up, last } = planes(variable, row), labels = variable.categories?.length;
  canvas.width = w; canvas.height = h; canvas.className = "pixels";
  const context = canvas.getContext("2d"), pixels = context.createImageData(w, h);
  if (last) { photograph(context, pixels, parts); return; }
  const rgb = parts.length === 3 && plane === undefined, part = rgb ? null : parts[plane ?? 0];
  const eight = rgb && variable.dtype === "u1", ranges = rgb ? parts.map(bounds) : [bounds(part)];
  if (!rgb && !labels) { const [low, high] = ranges[0]; ranges[0] = shares.map((share) => low + share * (high - low)); }
  const tint = variable.grey ? (share) => Array(3).fill(255 * Math.max(0, Math.min(1, share))) : colour;
  const most = Math.max(...ranges.map((range) => range[1])), least = Math.min(...ranges.map((range) => range[0]));
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const at = 4 * ((up ? h - 1 - y : y) * w + x), from = y * w + x;
    let shown;
    if (eight) shown = parts.map((p) => p[from]);
    else if (rgb) shown = [parts[2], parts[1], parts[0]].map((p) => 255 * Math.asinh(10 * Math.max(0, (p[from] - Math.max(least, 0)) / (most || 1))) / Math.asinh(10));
    else shown = tint(labels ? part[from] / Math.max(1, labels - 1) : (part[from] - ranges[0][0]) / (ranges[0][1] - ranges[0][0] || 1));
    pixels.data.set([...shown.map((v) => Math.max(0, Math.min(255, v))), 255], at);
  }
  context.putImageData(pixels, 0, 0);
}

export function volume(canvas, variable, row, slice) {
  const shape = variable.shape.slice(1), [d, h, w] = shape.slice(-3), size = d * h * w;
  const all = variable.values.subarray(row * size, (row + 1) * size), flat = new Float64Array(h * w);
  const first = Math.max(0, slice - Math.floor(d / 16)), last = Math.min(d, first + Math.max(1, Math.floor(d / 8)));
  for (let z = first; z < last; z++) for (let i = 0; i < h * w; i++) flat[i] += all[z * h * w + i] / (last - first);
  const shown = flat.map((v) => Math.log1p(Math.max(0, v + 1)));
  image(canvas, { ...variable, shape: [1, h, w], values: shown }, 0);
}

export function histogram(canvas, sides, caption) {
  const ratio = window.devicePixelRatio || 1, w = 320, h = 150, pad = { l: 6, r: 6, t: 6, b: 18 };
  canvas.width = w * ratio; canvas.height = h * ratio;
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  context.scale(ratio, ratio);
  const all = sides.flatMap((side) => bounds(side.values)), low = Math.min(...all), high = Math.max(...all) === low ? low + 1 : Math.max(...all);
  const bins = Math.max(8, Math.min(40, Math.ceil(Math.sqrt(sides[0].values.length) * 2)));
  const counts = sides.map((side) => {
    const found = new Float64Array(bins); let n = 0;
    for (const v of side.values) if (Number.isFinite(v)) { found[Math.max(0, Math.min(bins - 1, Math.floor(bins * (v - low) / (high - low))))] += 1; n += 1; }
    return found.map((c) => c / Math.max(1, n));
  });
  const top = Math.max(...counts.map((c) => Math.max(...c)), 1e-9), x = (i) => pad.l + i * (w - pad.l - pad.r) / bins, y = (v) => h - pad.b - v / top * (h - pad.t - pad.b);
  counts.forEach((count, number) => {
    context.strokeStyle = context.fillStyle = style.getPropertyValue(sides[number].ours ? "--ours" : "--theirs"); context.lineWidth = 2;
    context.beginPath(); context.moveTo(x(0), y(0));
    count.forEach((v, i) => { context.lineTo(x(i), y(v)); context.lineTo(x(i + 1), y(v)); });
    context.lineTo(x(bins), y(0)); context.stroke();
    if (number === 0) { context.globalAlpha = .25; context.fill(); context.globalAlpha = 1; }
  });
  context.fillStyle = style.getPropertyValue("--ink"); context.font = "11px system-ui";
  context.fillText(low.toPrecision(3), pad.l, h - 4); context.textAlign = "right"; context.fillText(high.toPrecision(3), w - pad.r, h - 4);
  canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", `Distribution of ${caption}, from ${low.toPrecision(3)} to ${high.toPrecision(3)}`);
}

export function entries(variable, data, dimensions) { // values that count: padding of ragged sets is left out
  const ragged = dimensions.find((dim) => dim.count && variable.dims.includes(dim.name)), shape = variable.shape;
  if (!ragged || !(ragged.count in data)) return Array.from(variable.values);
  const counts = data[ragged.count].values, found = [], each = shape.slice(1).reduce((a, b) => a * b, 1);
  for (let row = 0; row < shape[0]; row++) for (let i = 0; i < counts[row] * each / shape[1]; i++) found.push(Number(variable.values[row * each + i]));
  return found;
}
