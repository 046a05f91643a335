// The loading lab: edits two pipelines, keeps them in the address, and brings what the server makes of them.
// Every control is made from the catalogue of transforms that the page carries; nothing here knows a transform by name
// but the normalisation, which has usual figures to choose from.

import { say } from "./main.js";

const catalogue = JSON.parse(document.getElementById("lab-editor").textContent);
const byName = new Map(catalogue.transforms.map(transform => [transform.name, transform]));
const form = document.getElementById("lab");
const sides = {};

/** An element with properties and children. */
function h(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A number of 32 bits as it was written. */
const short = value => Number(value.toPrecision(7));

const parse = text => { try { return JSON.parse(text); } catch { return null; } };

/** Names that parameters had in earlier versions, which an address may still hold. */
const formerly = { padding_mode: "outside" };

/** A step with every parameter written out. */
function whole(step) {
  const transform = byName.get(step.name);
  const full = { name: step.name };
  for (const parameter of transform?.parameters ?? []) {
    let value = step[parameter.name] ?? step[formerly[parameter.name]] ?? parameter.kind.default;
    if (parameter.kind.symmetric && typeof value === "number") value = [-value, value];
    full[parameter.name] = structuredClone(value);
  }
  return full;
}

/** What a side's closed step says of itself. */
function summary(transform, step) {
  const plain = value => (typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value));
  return transform.parameters.filter(parameter => {
    const value = step[parameter.name];
    return parameter.kind.kind !== "choice" && parameter.kind.kind !== "flag" && parameter.name !== "fill" || value !== parameter.kind.default;
  }).map(({ name, label, unit }) => {
    const value = step[name];
    const text = Array.isArray(value) ? value.map(plain).join(value.length === 2 ? "…" : " ") : plain(value);
    return `${label.toLowerCase()} ${text}${unit === "°" ? "" : " "}${unit}`.trim();
  }).join(", ");
}

/** One number with its slider. */
function dial(kind, value, label, set) {
  const { min, max, step = 1 } = kind;
  // A slider is for the usual; the number beside it takes the whole range.
  const usual = step < 0.1 ? Math.min(max, 10) : max;
  const slider = h("input", { type: "range", min, max: usual, step, value, ariaLabel: label });
  const number = h("input", { type: "number", min, max, step: "any", value, ariaLabel: label });
  const take = (text, other) => {
    const chosen = Math.min(Math.max(Number(text), min), max);
    if (text === "" || Number.isNaN(chosen)) return;
    other.value = chosen;
    set(chosen);
  };
  slider.addEventListener("input", () => take(slider.value, number));
  number.addEventListener("input", () => take(number.value, slider));
  return [slider, number];
}

function control(parameter, step, changed) {
  const { name, label, unit, kind } = parameter;
  const values = h("span", { className: "values" });
  const set = value => { step[name] = value; changed(); };
  const each = (parts, write) => parts.forEach((part, at) => values.append(...dial(kind, step[name][at], `${label}, ${part}`, write(at))));
  switch (kind.kind) {
    case "number":
    case "integer":
      values.append(...dial(kind, step[name], label, set));
      break;
    case "range":
    case "integer_range":
      // Pushing one end beyond the other takes it along.
      each(["least", "most"], at => value => {
        step[name][at] = value;
        const other = 1 - at;
        if ((at === 0 && step[name][1] < value) || (at === 1 && step[name][0] > value)) {
          step[name][other] = value;
          values.querySelectorAll("input").forEach((input, place) => { if (Math.floor(place / 2) === other) input.value = value; });
        }
        changed();
      });
      break;
    case "channels":
      ["red", "green", "blue"].forEach((part, at) => {
        const [, number] = dial(kind, step[name][at], `${label}, ${part}`, value => { step[name][at] = value; changed(); });
        values.append(number);
      });
      break;
    case "choice": {
      const select = h("select", { ariaLabel: label }, ...kind.choices.map(([value, words]) => h("option", { value, textContent: words, selected: value === step[name] })));
      select.addEventListener("change", () => set(select.value));
      values.append(select);
      break;
    }
    case "flag": {
      const box = h("input", { type: "checkbox", checked: step[name], ariaLabel: label });
      box.addEventListener("change", () => set(box.checked));
      values.append(box);
      break;
    }
  }
  if (unit) values.append(h("span", { className: "quiet", textContent: unit }));
  return [h("span", { textContent: label }), values];
}

class Side {
  constructor(section) {
    this.editor = section.querySelector(".editor");
    this.text = section.querySelector("textarea");
    this.letter = section.dataset.side;
    this.open = new Set();
    this.read();
    this.text.addEventListener("change", () => { this.read(); show(); });
  }

  read() {
    const steps = parse(this.text.value);
    const known = Array.isArray(steps) && steps.every(step => byName.has(step?.name));
    // What can't be read is left to the server to explain; the controls stay as they were.
    if (known) this.steps = steps.map(whole);
    this.steps ??= [];
    this.render();
  }

  /** The steps changed: the address and the images follow. `again`: so do the controls. */
  changed(again) {
    this.text.value = JSON.stringify(this.steps);
    if (again) this.render();
    else this.summary();
    show();
  }

  says() {
    this.editor.querySelectorAll(".step .summary").forEach((says, at) => {
      says.textContent = summary(byName.get(this.steps[at].name), this.steps[at]);
    });
  }

  use(steps) {
    this.steps = steps.map(whole);
    this.open.clear();
    this.changed(true);
  }

  move(from, to) {
    if (to < 0 || to >= this.steps.length || from === to) return;
    const [step] = this.steps.splice(from, 1);
    this.steps.splice(to, 0, step);
    this.changed(true);
    this.editor.querySelectorAll(".step summary")[to]?.focus();
  }

  render() {
    const other = this.letter === "a" ? "b" : "a";
    const button = (words, title, act) => {
      const made = h("button", { type: "button", textContent: words, title });
      made.addEventListener("click", event => { event.preventDefault(); act(); });
      return made;
    };
    const presets = h("div", { className: "presets" }, "Presets",
      ...catalogue.presets.map(([name, steps]) => button(name, `Load as “${name}”`, () => this.use(steps))),
      button(`same as ${other.toUpperCase()}`, "Copy the other side", () => this.use(sides[other].steps)));
    if (catalogue.saved.length > 0) {
      const saved = h("select", { ariaLabel: "Saved pipelines" }, h("option", { value: "", textContent: "saved…" }),
        ...catalogue.saved.map(([name]) => h("option", { textContent: name })));
      saved.addEventListener("change", () => this.use(catalogue.saved.find(([name]) => name === saved.value)[1]));
      presets.append(saved);
    }
    const list = h("ol", { className: "steps" }, ...this.steps.map((step, at) => this.step(step, at, button)));
    const choose = h("select", { ariaLabel: "Add a transform" }, h("option", { value: "", textContent: "Add a transform…" }),
      ...catalogue.groups.map(([group, label]) => h("optgroup", { label },
        ...catalogue.transforms.filter(transform => transform.group === group)
          .map(transform => h("option", { value: transform.name, textContent: transform.label })))));
    choose.addEventListener("change", () => {
      const step = whole({ name: choose.value });
      if ("size" in step) step.size = catalogue.size;
      // Before the normalisation, which stays last.
      const last = this.steps.at(-1)?.name === "normalize" ? this.steps.length - 1 : this.steps.length;
      this.open.add(step);
      this.steps.splice(last, 0, step);
      this.changed(true);
    });
    this.editor.replaceChildren(presets, list, h("div", { className: "add" }, choose, button("Save as…", "Keep this pipeline under a name", () => this.save())));
    this.summary();
  }

  step(step, at, button) {
    const transform = byName.get(step.name);
    const grip = h("span", { className: "grip", textContent: "⠿", title: "Drag to another place" });
    const head = h("summary", { title: transform.help }, grip, h("strong", { textContent: transform.label }), h("span", { className: "says" }),
      button("↑", "Earlier", () => this.move(at, at - 1)), button("↓", "Later", () => this.move(at, at + 1)),
      button("×", `Remove ${transform.label}`, () => { this.steps.splice(at, 1); this.changed(true); }));
    const parameters = h("div", { className: "parameters" }, h("p", { className: "help", textContent: transform.help }));
    for (const parameter of transform.parameters) parameters.append(...control(parameter, step, () => this.changed(false)));
    if (step.name === "normalize") {
      parameters.append(h("span", { textContent: "Usual" }), h("span", { className: "values" }, ...catalogue.normalizations.map(([label, { mean, std }]) => [label, mean.map(short), std.map(short)]).map(([label, mean, std]) =>
        button(label, `mean ${mean.join(" ")}, deviation ${std.join(" ")}`, () => { Object.assign(step, { mean: [...mean], std: [...std] }); this.changed(true); }))));
    }
    const details = h("details", { open: this.open.has(step) }, head, parameters);
    details.addEventListener("toggle", () => (details.open ? this.open.add(step) : this.open.delete(step)));
    const item = h("li", { className: "step" }, details);
    // Only the grip drags, so that sliders slide.
    grip.addEventListener("pointerdown", () => { item.draggable = true; });
    item.addEventListener("dragstart", event => { event.dataTransfer.setData("text/plain", `${this.letter}${at}`); item.classList.add("dragged"); });
    item.addEventListener("dragend", () => { item.draggable = false; item.classList.remove("dragged"); });
    item.addEventListener("dragover", event => { event.preventDefault(); item.classList.add("over"); });
    item.addEventListener("dragleave", () => item.classList.remove("over"));
    item.addEventListener("drop", event => {
      event.preventDefault();
      item.classList.remove("over");
      const what = event.dataTransfer.getData("text/plain");
      if (what.startsWith(this.letter)) this.move(Number(what.slice(1)), at);
    });
    head.addEventListener("keydown", event => {
      if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      this.move(at, at + (event.key === "ArrowUp" ? -1 : 1));
    });
    return item;
  }

  async save() {
    const name = prompt("Keep this pipeline under which name?")?.trim();
    if (!name) return;
    if (catalogue.saved.some(([other]) => other === name) && !confirm(`Replace “${name}”?`)) return;
    const answer = await fetch(`/api/v1/pipelines/${encodeURIComponent(name)}`, {
      method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(this.steps),
    });
    const body = await answer.json();
    if (!answer.ok) { say(body.error.message); return; }
    catalogue.saved = [...catalogue.saved.filter(([other]) => other !== name), [name, body.steps]].sort();
    for (const side of Object.values(sides)) side.render();
    say(`Kept as “${name}”.`);
  }
}

/** The page's address for what the form holds; `keep`: the images stay the same ones. */
function address(keep) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "" && !(name === "pick" && value === "0")) query.set(name, value);
  const now = new URLSearchParams(location.search);
  for (const name of ["sample", "vary"]) if (now.has(name)) query.set(name, now.get(name));
  if (keep) query.set("samples", document.getElementById("lab-result").dataset.samples);
  return `${location.pathname}?${query}`;
}

let wanted = null;
let busy = false;

/** Brings the result of the form as it stands; while one is on its way, only the newest wish is kept. */
async function bring(url) {
  history.replaceState(null, "", url);
  wanted = url;
  if (busy) return;
  busy = true;
  const away = document.getElementById("away");
  while (wanted) {
    const asked = wanted;
    wanted = null;
    try {
      const fresh = new DOMParser().parseFromString(await (await fetch(asked)).text(), "text/html");
      const result = fresh.getElementById("lab-result");
      if (result) document.getElementById("lab-result").replaceWith(document.adoptNode(result));
      else say(fresh.querySelector("main")?.textContent.trim() ?? "The server did not answer with a page.");
      away.hidden = true;
    } catch { away.hidden = false; }
  }
  busy = false;
}

const show = () => bring(address(true));

for (const section of form.querySelectorAll(".side")) sides[section.dataset.side] = new Side(section);
form.addEventListener("submit", event => { event.preventDefault(); show(); });
form.addEventListener("change", event => {
  if (["count", "class", "split"].includes(event.target.name)) bring(address(false));
  else if (["view", "seed", "epoch"].includes(event.target.name)) show();
});
form.querySelector("[data-shuffle]").addEventListener("click", () => {
  form.elements.pick.value = Number(form.elements.pick.value) + 1;
  bring(address(false));
});
form.querySelector("[data-redraw]").addEventListener("click", () => {
  form.elements.epoch.value = Number(form.elements.epoch.value) + 1;
  show();
});
document.addEventListener("click", event => {
  const link = event.target.closest("#lab-result .comparison, #lab-result .detail h3 a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  bring(link.getAttribute("href").split("#")[0]);
});
