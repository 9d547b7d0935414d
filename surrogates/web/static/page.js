// The page: controls from a simulator's schema, a picture as they move, the call that makes the same.
import { bounds, entries, histogram, image, kind, planes, unpacked, volume } from "./draw.js";
import { npy, painter } from "./paint.js";
import { units } from "./units.js";

const root = document.documentElement.dataset.root, api = `${root}/api/v1`, $ = (id) => document.getElementById(id);
const state = { plugin: "", model: "", n: 0, seed: 1, ablate: {}, conditions: {} };
let plugin = null, shown = null, beside = null, running = false, waiting = false, simulating = null;

const headers = () => { const token = sessionStorage.getItem("token"); return token ? { Authorization: `Bearer ${token}` } : {}; };

async function ask(path, body, signal) {
  const options = body === undefined ? { headers: headers(), signal } : { method: "POST", body: body instanceof FormData ? body : JSON.stringify(body), signal,
    headers: body instanceof FormData ? headers() : { ...headers(), "Content-Type": "application/json" } };
  const answer = await fetch(`${api}${path}`, options);
  if (answer.ok) return answer;
  if (answer.status === 401) $("token-row").hidden = false;
  const said = await answer.json().catch(() => ({ error: answer.statusText }));
  throw Object.assign(new Error(said.error), { variable: said.variable });
}

function say(text, wrong = false) { $("status").textContent = text; $("status").className = wrong ? "error" : ""; }
function node(tag, attributes = {}, ...children) { const made = document.createElement(tag); for (const [key, value] of Object.entries(attributes)) key in made ? made[key] = value : made.setAttribute(key, value); made.append(...children); return made; }

async function begin() {
  try {
    const rows = await (await ask("/plugins")).json();
    $("plugin").replaceChildren(...rows.map((row) => node("option", { value: row.name, textContent: row.missing ? `${row.name} (not available)` : row.name, disabled: Boolean(row.missing), title: row.missing ?? row.title })));
    Object.assign(state, JSON.parse(decodeURIComponent(location.hash.slice(1) || "{}")));
    const wanted = state.plugin && (rows.find((row) => row.name === state.plugin)?.missing ?? (rows.some((row) => row.name === state.plugin) ? "" : `${state.plugin}: not installed here`));
    if (wanted) state.conditions = {};
    if (!rows.some((row) => row.name === state.plugin && !row.missing)) state.plugin = rows.find((row) => !row.missing)?.name ?? "";
    $("plugin").value = state.plugin;
    await choose(state.plugin, state.conditions);
    if (wanted) say(`${wanted}; another simulator is shown`, true);
  } catch (error) { say(error.message, true); }
}

async function choose(name, conditions = {}) {
  simulating?.abort();
  plugin = await (await ask(`/plugins/${name}`)).json();
  if (state.plugin !== name) state.ablate = {};
  Object.assign(state, { plugin: name, conditions: {}, model: plugin.models.some((m) => m.recipe === state.model) ? state.model : plugin.models[0].recipe });
  shown = beside = null; $("beside").checked = false; $("beside-row").hidden = !plugin.reference; $("more").open = false; $("look").open = false; painting.clear();
  $("title").textContent = plugin.title;
  $("model").replaceChildren(...plugin.models.map((m) => node("option", { value: m.recipe, textContent: m.baseline ? `${m.recipe} (baseline)` : m.recipe })));
  $("model").value = state.model;
  $("format").replaceChildren(...plugin.formats.map((f) => node("option", { value: f.name, textContent: `${f.suffix}  ${f.description}${f.one_sample ? " (the first sample)" : ""}` })));
  const example = await (await ask(`/plugins/${name}/example`, { seed: state.seed })).json();
  state.conditions = { ...example.conditions, ...conditions };
  await kept(example.conditions);
  $("form").replaceChildren(...plugin.conditions.map(control));
  if (!state.n || state.n > 64) state.n = plugin.first;
  $("n").value = state.n; $("seed").value = state.seed;
  verdict(); await update();
  if (shown && !$("pictures").childElementCount) $("more").open = true; // what is no image is drawn by its field's figure
}

async function kept(example) { // a link may name a field that this server does not hold any more: the example stands in
  for (const [name, value] of Object.entries(state.conditions)) {
    if (typeof value !== "object" || value === null || value === example[name]) continue;
    const answer = await fetch(`${api}/plugins/${plugin.name}/fields/${name}/${value.upload}`, { headers: headers() });
    if ((await answer.json()).kept) continue;
    if (example[name] === undefined) delete state.conditions[name]; else state.conditions[name] = example[name];
    lost.push(name);
  }
}

function control(variable) {
  const id = `c-${variable.name}`, box = node("div", { className: "control" }), value = state.conditions[variable.name];
  const units = variable.units === "1" ? "" : ` [${variable.units}]`;
  box.append(node("label", { htmlFor: id, textContent: `${variable.long_name}${units}` }));
  const put = (given) => { if (given === undefined || given === "") delete state.conditions[variable.name]; else state.conditions[variable.name] = given; update(); };
  if (variable.categories?.length) {
    const options = [...(variable.optional ? [["", "not asked"]] : []), ...variable.categories.map((c) => [c, c])];
    const select = node("select", { id }, ...options.map(([v, text]) => node("option", { value: v, textContent: text })));
    select.value = value ?? ""; select.addEventListener("change", () => put(select.value)); box.append(select);
  } else if (variable.dims.length && !variable.text) {
    const file = node("input", { id, type: "file" });
    file.addEventListener("change", async () => {
      const body = new FormData(); body.append("file", file.files[0]);
      try { say(`reading ${file.files[0].name}`); const sent = await (await ask(`/plugins/${plugin.name}/fields/${variable.name}`, body)).json(); put({ upload: sent.upload }); } catch (error) { say(error.message, true); }
    });
    const place = node("div"), draw = node("button", { type: "button", textContent: "Draw on it" });
    draw.setAttribute("aria-label", `draw on ${variable.long_name}`);
    draw.addEventListener("click", () => { if (painting.delete(variable.name)) place.replaceChildren(); else { painting.add(variable.name); place.replaceChildren(easel(variable, put)); } });
    box.append(file, node("div", { className: "range", textContent: value ? "an example is shown until a file is chosen" : variable.range }));
    if (variable.dims.length === 2) box.append(draw, place);
  } else if (variable.text) {
    const text = node("input", { id, type: "text", value: value ?? "" }); text.addEventListener("change", () => put(text.value)); box.append(text);
  } else {
    const [low, high] = variable.trained.length ? variable.trained : variable.bounds ?? [undefined, undefined], pair = node("div", { className: "pair" });
    const number = node("input", { id, type: "text", inputMode: "decimal", value: value ?? "" }), about = node("div", { className: "range", textContent: low === undefined ? variable.range : `trained from ${low.toPrecision(4)} to ${high.toPrecision(4)}` });
    const mark = () => about.classList.toggle("outside", Number(number.value) < low || Number(number.value) > high);
    if (low !== undefined) {
      const slider = node("input", { type: "range", min: low, max: high, step: variable.integer ? 1 : (high - low) / 200, value: value ?? (low + high) / 2, "aria-label": variable.long_name });
      slider.addEventListener("input", () => { number.value = variable.integer ? slider.value : Number(Number(slider.value).toPrecision(5)); mark(); put(Number(number.value)); });
      number.addEventListener("input", () => { if (number.value !== "" && Number.isFinite(Number(number.value))) slider.value = number.value; mark(); });
      pair.append(slider);
    }
    number.addEventListener("change", () => put(number.value === "" || !Number.isFinite(Number(number.value)) ? number.value : Number(number.value)));
    pair.append(number); if (variable.optional) number.placeholder = "not asked";
    box.append(pair, about);
  }
  return box;
}

const painting = new Set(), lost = [];

function easel(variable, put) { // the field as it is asked now, to draw on
  const asked = shown?.variables[variable.name], sizes = {};
  for (const other of Object.values(shown?.variables ?? {})) other.dims.forEach((dim, i) => { sizes[dim] = Math.max(sizes[dim] ?? 0, other.shape[i]); });
  const shape = variable.dims.map((dim) => plugin.dimensions.find((d) => d.name === dim)?.size ?? sizes[dim] ?? 64), size = shape[0] * shape[1];
  const values = asked && asked.shape.slice(1).every((length, i) => length === shape[i]) ? asked.values.subarray(0, size) : new Float64Array(size);
  const done = async (field, of) => {
    const file = new FormData(); file.append("file", new Blob([npy(field, of)]), `${variable.name}.npy`);
    try { put({ upload: (await (await ask(`/plugins/${plugin.name}/fields/${variable.name}`, file)).json()).upload }); } catch (error) { say(error.message, true); }
  };
  return painter({ title: variable.long_name, values, shape, labels: variable.categories, done });
}

const body = () => ({ n: state.n, seed: state.seed, model: state.model, ablate: state.ablate, exact: true, conditions: state.conditions }); // what is shown are the file's values

async function update() {
  calls(); history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(state))}`);
  if (running) { waiting = true; return; }
  running = true;
  try {
    do {
      waiting = false;
      const begun = performance.now(), answer = await ask(`/plugins/${state.plugin}/arrays`, body());
      shown = unpacked(await answer.arrayBuffer());
      const instead = lost.length ? `; ${lost.splice(0).join(", ")}: the field of this link is not kept any more, an example stands in` : "";
      if (!waiting) { draw(); say(`${state.n} ${state.n === 1 ? "sample" : "samples"} in ${Math.round(performance.now() - begun)} ms${instead}`); }
    } while (waiting);
    if ($("beside").checked) simulate();
    if ($("more").open) figure();
  } catch (error) { say(error.message, true); } finally { running = false; if (waiting) update(); }
}

async function simulate() {
  simulating?.abort(); simulating = new AbortController(); const own = simulating;
  beside = null;
  try {
    const begun = performance.now(), { model, ablate, exact, ...asked } = body(), answer = await ask(`/plugins/${state.plugin}/reference`, asked, own.signal);
    const found = unpacked(await answer.arrayBuffer());
    if (own.signal.aborted) return;
    beside = found; draw(); say(`reference simulator: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  } catch (error) { if (error.name !== "AbortError") say(error.message, true); }
}

function draw() {
  repaint.length = 0;
  const pictures = [], plots = [], outputs = new Set(plugin.outputs.map((v) => v.name)), counted = new Set(plugin.dimensions.map((d) => d.count).filter(Boolean));
  const sides = [{ data: shown.variables, ours: true }, ...(beside ? [{ data: beside.variables, ours: false }] : [])];
  for (const { name, dims } of plugin.conditions) { // fields that were asked stand first
    const variable = shown.variables[name], given = typeof state.conditions[name] === "object";
    if (given && dims.length > 1 && variable && kind(variable) === "image") pictures.push(picture(sides[0], variable, 0, "image", "asked"));
  }
  for (const name of outputs) {
    const variable = shown.variables[name]; if (!variable) continue;
    const looks = kind({ ...variable, count: plugin.dimensions.some((d) => d.count && variable.dims.includes(d.name)) });
    if (looks === "text" || looks === "image" || looks === "volume") {
      for (let row = 0; row < Math.min(variable.shape[0], 8); row++) for (const side of sides) pictures.push(picture(side, side.data[name], row, looks));
    } else if (looks !== "vectors") {
      const box = node("figure"), canvas = node("canvas"), caption = `${variable.long_name}${variable.units === "1" ? "" : ` [${variable.units}]`}`;
      const values = sides.map((side) => ({ ours: side.ours, values: entries(side.data[name], side.data, plugin.dimensions) }));
      const alone = values[0].values.length === 1 ? `: ${number(values[0].values[0], variable)}${beside ? ` (reference ${number(values[1].values[0], variable)})` : ""}` : "";
      box.append(...(alone ? [] : [canvas]), node("figcaption", { textContent: caption + alone }));
      plots.push(box); if (!alone) histogram(canvas, values, caption);
    }
  }
  $("pictures").replaceChildren(...pictures); $("plots").replaceChildren(...plots); table();
  $("window").hidden = !repaint.length;
}

const repaint = []; // pictures that follow the window

function windowed() { // what is darkest and brightest, in shares of what the values span
  const low = Number($("darkest").value), high = Number($("brightest").value);
  for (const paint of repaint) paint();
  $("window-said").textContent = repaint.length && (low !== 0 || high !== 1) ? [...new Set(repaint.map((paint) => paint.said()))].slice(0, 3).join("; ") : "";
}

const number = (value, variable) => variable.categories ? variable.categories[value] ?? "not asked" : Number(value).toPrecision(6).replace(/\.?0+$/, "");

function picture(side, variable, row, looks, asked) {
  const box = node("figure", { className: side.ours ? "ours" : "theirs" }), title = asked ? `asked: ${variable.long_name}` : `${variable.long_name}, ${side.ours ? "surrogate" : "reference"}, sample ${side.data.sample.values[row]}`;
  if (looks === "text") { box.append(node("div", { className: "text", textContent: variable.values[row] }), node("figcaption", { textContent: title })); return box; }
  const canvas = node("canvas", { role: "img" }); canvas.setAttribute("aria-label", title); box.append(canvas);
  const photograph = planes(variable, row).last, depth = photograph ? 1 : looks === "volume" ? variable.shape.at(-3) : variable.shape.slice(1, -2).reduce((a, b) => a * b, 1);
  const grey = looks === "image" && !variable.dims.includes("lat") && depth !== 3, flat = looks === "image" && depth !== 3 && !photograph && !variable.categories?.length;
  const shares = () => [Number($("darkest").value), Number($("brightest").value)];
  const paint = (at) => looks === "volume" ? volume(canvas, variable, row, at) : image(canvas, { ...variable, grey }, row, depth === 3 ? undefined : at, shares());
  let place = 0;
  paint(0);
  if (flat) repaint.push(Object.assign(() => paint(place), { said: () => span(variable) }));
  if (depth > 1 && (looks === "volume" || depth !== 3)) {
    const slider = node("input", { type: "range", min: 0, max: depth - 1, value: 0, "aria-label": `slice of ${title}` });
    slider.addEventListener("input", () => { place = Number(slider.value); paint(place); }); box.append(slider);
  }
  const large = node("button", { type: "button", textContent: "Enlarge" }); large.setAttribute("aria-pressed", "false"); large.setAttribute("aria-label", `enlarge ${title}`);
  large.addEventListener("click", () => { const on = box.classList.toggle("large"); large.textContent = on ? "Smaller" : "Enlarge"; large.setAttribute("aria-pressed", String(on)); });
  box.append(node("figcaption", {}, title, large)); return box;
}

function span(variable) { // the window in the variable's units
  const [low, high] = bounds(variable.values), named = variable.units === "1" ? "" : ` ${variable.units}`;
  const [dark, bright] = [$("darkest"), $("brightest")].map((slider) => (low + Number(slider.value) * (high - low)).toPrecision(4));
  return `${variable.long_name}: ${dark} to ${bright}${named}`;
}

function table() {
  const names = ["sample", ...plugin.conditions.map((v) => v.name), ...plugin.outputs.map((v) => v.name)].filter((n) => shown.variables[n] && shown.variables[n].shape.length === 1);
  const rows = Math.min(shown.variables.sample.shape[0], 50), head = node("tr", {}, ...names.map((n) => node("th", { scope: "col", textContent: n })));
  $("values").replaceChildren(node("table", {}, head, ...Array.from({ length: rows }, (_, i) => node("tr", {}, ...names.map((n) => node("td", { textContent: shown.variables[n].text ? shown.variables[n].values[i] : number(shown.variables[n].values[i], shown.variables[n]) }))))));
}

function verdict() {
  const model = plugin.models.find((m) => m.recipe === state.model);
  $("use").textContent = model.use;
  $("headlines").replaceChildren(...model.headlines.flatMap((h) => [node("dt", { textContent: h.value }), node("dd", { textContent: h.text })]));
  const cells = (f) => [f.name, f.text, f.value?.toPrecision(3) ?? "", f.floor?.toPrecision(3) ?? "", f.limit?.toPrecision(3) ?? "", f.met === null ? "" : f.met ? "met" : "not met"];
  $("figures").replaceChildren(node("tr", {}, ...["figure", "what it is", "value", "floor", "limit", "verdict"].map((t) => node("th", { scope: "col", textContent: t }))),
    ...model.figures.map((f) => node("tr", { className: f.met === false ? "missed" : "" }, ...cells(f).map((t) => node("td", { textContent: t })))));
}

function calls() {
  const given = Object.entries(state.conditions), files = (value) => typeof value === "object";
  const literal = (name, value) => files(value) ? `${name}=${name}  # your field` : `${name}=${JSON.stringify(value)}`;
  const model = state.model === plugin.models[0].recipe ? "" : `, model=${JSON.stringify(state.model)}`;
  const keywords = given.filter(([, v]) => !files(v)).map(([k, v]) => literal(k, v)), fields = given.filter(([, v]) => files(v)).map(([k]) => `${k}=${k}`);
  const own = fields.map((field) => field.split("=")[0]).map((name) => `${name} = ...  # your field over (${plugin.conditions.find((v) => v.name === name).dims.join(", ")}), an array or xarray.DataArray\n`).join("");
  const off = Object.keys(state.ablate).length ? `\nsimulator = without(simulator, ${JSON.stringify(state.ablate)})` : "";
  $("python").textContent = `import surrogates\n${off ? "from surrogates.sampling.ablation import without\n" : ""}${own}simulator = surrogates.load(${JSON.stringify(state.plugin)}${model})${off}\nsamples = simulator.sample(${[state.n, `seed=${state.seed}`, ...keywords, ...fields].join(", ")})`;
  const quoted = (v) => /^[\w.+-]+$/.test(String(v)) ? v : `'${String(v).replaceAll("'", "'\\''")}'`;
  const flags = given.map(([k, v]) => `--${k.replaceAll("_", "-")} ${files(v) ? "FILE" : quoted(v)}`).join(" ");
  $("shell").textContent = `surrogates generate ${state.plugin}${model ? ` --model ${state.model}` : ""} -n ${state.n} --seed ${state.seed} ${flags} -o ${state.plugin}.nc`.replace(/ +/g, " ") + (off ? "  # with every unit on" : "");
}

async function look() { // layers of the model, once they are asked for
  if (!$("look").open) return;
  try { units($("units"), await (await ask(`/plugins/${state.plugin}/models/${state.model}/layers`)).json(), state.ablate, update); } catch (error) { say(error.message, true); }
}

async function figure() {
  try { const answer = await ask(`/plugins/${state.plugin}/figure`, body()); $("figure").src = URL.createObjectURL(await answer.blob()); $("figure").alt = `Figure of ${plugin.title}`; } catch (error) { say(error.message, true); }
}

$("plugin").addEventListener("change", () => { state.n = 0; choose($("plugin").value).catch((error) => say(error.message, true)); });
$("model").addEventListener("change", () => { state.model = $("model").value; state.ablate = {}; verdict(); update(); look(); });
$("n").addEventListener("change", () => { state.n = Math.max(1, Math.floor(Number($("n").value)) || 1); update(); });
$("seed").addEventListener("change", () => { state.seed = Math.max(0, Math.floor(Number($("seed").value)) || 0); update(); });
$("again").addEventListener("click", () => { state.seed += 1; $("seed").value = state.seed; update(); });
$("beside").addEventListener("change", () => { if ($("beside").checked) simulate(); else { simulating?.abort(); beside = null; draw(); } });
$("more").addEventListener("toggle", () => { if ($("more").open) figure(); });
$("look").addEventListener("toggle", look);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (shown) draw(); });
for (const id of ["darkest", "brightest"]) { $(id).value = id === "darkest" ? 0 : 1; $(id).addEventListener("input", windowed); }
$("form").addEventListener("submit", (event) => event.preventDefault());
$("enter").addEventListener("click", () => { sessionStorage.setItem("token", $("token").value); $("token-row").hidden = true; begin(); });
$("download").addEventListener("click", async () => {
  try {
    const chosen = plugin.formats.find((f) => f.name === $("format").value), answer = await ask(`/plugins/${state.plugin}/samples`, { ...body(), n: chosen.one_sample ? 1 : state.n, format: chosen.name });
    const link = node("a", { href: URL.createObjectURL(await answer.blob()), download: `${state.plugin}${chosen.suffix}` }); link.click();
  } catch (error) { say(error.message, true); }
});
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => navigator.clipboard?.writeText($(button.dataset.copy).textContent));
begin();
