// Drawing on a field condition: a mask or a lesion is painted, sent as a file of numbers, and the samples follow.

export function npy(values, shape) { // NumPy's format 1.0, little-endian float64
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`, length = Math.ceil((text.length + 11) / 64) * 64;
  const bytes = new Uint8Array(length + 8 * values.length), view = new DataView(bytes.buffer);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  view.setUint16(8, length - 10, true);
  for (let i = 10; i < length; i++) bytes[i] = i - 10 < text.length ? text.charCodeAt(i - 10) : 32;
  bytes[length - 1] = 10;
  values.forEach((value, i) => view.setFloat64(length + 8 * i, value, true));
  return bytes;
}

export function levels(values) { // what can be painted: the few values that a mask has, or dark to bright
  const found = [...new Set(values)].filter(Number.isFinite).sort((a, b) => a - b);
  if (found.length <= 6) return [...new Set([...found, 0, 1])].sort((a, b) => a - b);
  return [0, 0.25, 0.5, 0.75, 1].map((share) => found[Math.round(share * (found.length - 1))]);
}

export function painter({ title, values, shape, labels, done }) {
  const [h, w] = shape, field = Float64Array.from(values, (value) => (Number.isFinite(value) ? value : 0));
  const choices = levels(field), low = Math.min(...choices), high = Math.max(...choices);
  const box = document.createElement("div"), canvas = document.createElement("canvas"), about = document.createElement("p");
  const brush = { x: Math.floor(w / 2), y: Math.floor(h / 2), size: Math.max(1, Math.round(w / 20)), value: high, down: false };
  canvas.width = w; canvas.height = h; canvas.className = "pixels paint"; canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", `Draw on ${title}: drag, or move with the arrow keys and paint with the space bar`);
  const context = canvas.getContext("2d");

  function show() {
    const pixels = context.createImageData(w, h);
    field.forEach((value, i) => { const grey = 255 * (value - low) / (high - low || 1); pixels.data.set([grey, grey, grey, 255], 4 * i); });
    context.putImageData(pixels, 0, 0);
    context.strokeStyle = "#e0533d"; context.lineWidth = Math.max(1, w / 200);
    context.beginPath(); context.arc(brush.x + 0.5, brush.y + 0.5, brush.size, 0, 2 * Math.PI); context.stroke();
  }
  function paint() {
    for (let y = Math.max(0, brush.y - brush.size); y <= Math.min(h - 1, brush.y + brush.size); y++)
      for (let x = Math.max(0, brush.x - brush.size); x <= Math.min(w - 1, brush.x + brush.size); x++)
        if ((x - brush.x) ** 2 + (y - brush.y) ** 2 <= brush.size ** 2) field[y * w + x] = brush.value;
  }
  function move(event) {
    const place = canvas.getBoundingClientRect();
    brush.x = Math.floor((event.clientX - place.left) * w / place.width); brush.y = Math.floor((event.clientY - place.top) * h / place.height);
    if (brush.down) paint();
    show();
  }
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); brush.down = true; move(event); });
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", () => { brush.down = false; done(field, shape); });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) { brush.x = Math.max(0, Math.min(w - 1, brush.x + step[0] * 2)); brush.y = Math.max(0, Math.min(h - 1, brush.y + step[1] * 2)); }
    else if (event.key === " ") { paint(); done(field, shape); }
    else return;
    event.preventDefault(); show();
  });
  const value = document.createElement("select"), size = document.createElement("input"), clear = document.createElement("button");
  value.setAttribute("aria-label", `value painted on ${title}`);
  choices.forEach((choice) => value.add(new Option(labels?.[choice] ?? String(Number(choice.toPrecision(4))), choice, false, choice === high)));
  value.addEventListener("change", () => { brush.value = Number(value.value); });
  Object.assign(size, { type: "range", min: 0, max: Math.ceil(w / 6), value: brush.size });
  size.setAttribute("aria-label", `size of the brush on ${title}`);
  size.addEventListener("input", () => { brush.size = Number(size.value); show(); });
  Object.assign(clear, { type: "button", textContent: "Clear" });
  clear.addEventListener("click", () => { field.fill(low); show(); done(field, shape); });
  about.className = "range"; about.textContent = "Drag to paint; with the keyboard: arrows and space.";
  const row = document.createElement("div"); row.className = "row"; row.append(value, size, clear);
  box.append(canvas, row, about); show();
  return box;
}
