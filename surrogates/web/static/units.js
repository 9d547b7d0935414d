// Units of the network, switched off and on: a layer is chosen, and what is unticked gives 0.

export function units(box, layers, ablate, changed) {
  const names = Object.keys(layers);
  if (!names.length) { box.textContent = "This model has no layers to look into."; return; }
  const choice = document.createElement("select"), list = document.createElement("div"), on = document.createElement("button"), said = document.createElement("p");
  choice.id = "layer"; choice.append(...names.map((name) => new Option(`${name} (${layers[name]} units)`, name)));
  choice.value = Object.keys(ablate)[0] ?? names[Math.floor(names.length / 2)];
  const label = Object.assign(document.createElement("label"), { htmlFor: "layer", textContent: "Layer" });
  list.className = "units"; list.setAttribute("role", "group");
  Object.assign(on, { type: "button", textContent: "All on" });
  said.className = "range";
  function tell() {
    const off = Object.entries(ablate).filter(([, chosen]) => chosen.length).map(([name, chosen]) => `${name}: ${chosen.join(", ")}`);
    said.textContent = off.length ? `Off: ${off.join("; ")}` : "Every unit is on.";
  }
  function show() {
    const name = choice.value, off = new Set(ablate[name] ?? []);
    list.setAttribute("aria-label", `units of ${name}`);
    list.replaceChildren(...Array.from({ length: Math.min(layers[name], 256) }, (_, unit) => {
      const tick = Object.assign(document.createElement("input"), { type: "checkbox", checked: !off.has(unit) }), one = document.createElement("label");
      tick.addEventListener("change", () => {
        if (tick.checked) off.delete(unit); else off.add(unit);
        if (off.size) ablate[name] = [...off].sort((a, b) => a - b); else delete ablate[name];
        tell(); changed();
      });
      one.append(tick, String(unit)); return one;
    }));
  }
  choice.addEventListener("change", show);
  on.addEventListener("click", () => { for (const name of Object.keys(ablate)) delete ablate[name]; show(); tell(); changed(); });
  const row = document.createElement("div"); row.className = "row"; row.append(label, choice, on);
  box.replaceChildren(row, list, said); show(); tell();
}
