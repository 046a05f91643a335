// One of the two pipelines of the loading lab: its list of transforms, presets, saved pipelines, and the way back.

import { say } from "./main.js";
import { byName, catalogue, control, h, parse, short, summary, whole } from "./lab-controls.js";

/** So many changes can be taken back. */
const UNDO_STEPS = 50;

function button(words, title, act) {
  const made = h("button", { type: "button", textContent: words, title });
  made.addEventListener("click", act);
  return made;
}

/** Steps to be compared: of a number that went through single precision, such as 0.48500001, what can be told apart. */
function written(steps) {
  return JSON.stringify(steps, (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value));
}

/** Sends a change of the saved pipelines; what was refused is said, and gives nothing. */
async function send(method, name, body) {
  const answer = await fetch(`/api/v1/pipelines/${encodeURIComponent(name)}`, {
    method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body),
  });
  if (answer.status === 204) return {};
  const told = await answer.json();
  if (answer.ok) return told;
  say(told.error.message);
  return null;
}

export class Side {
  /** `page`: both sides by letter, and how the images are brought: at once, or when the hand rests. */
  constructor(section, page) {
    this.page = page;
    this.editor = section.querySelector(".editor");
    this.text = section.querySelector("textarea");
    this.letter = section.dataset.side;
    this.open = new Set();
    this.past = [];
    this.savedName = "";
    /** The preset or saved pipeline that these steps come from. */
    const origin = new URLSearchParams(location.search).get(`origin_${this.letter}`);
    this.origin = [...catalogue.presets, ...catalogue.saved].some(([name]) => name === origin) ? origin : "";
    this.naming = null;
    this.steps = [];
    this.read();
    this.last = JSON.stringify(this.steps);
    this.text.addEventListener("change", () => {
      this.read();
      this.remember();
      this.render();
      page.show();
    });
  }

  read() {
    const steps = parse(this.text.value);
    // What can't be read is left to the server to explain; the controls stay as they were.
    if (Array.isArray(steps) && steps.every(step => byName.has(step?.name))) this.steps = steps.map(whole);
    this.render();
  }

  /** Keeps what there was before the change just made. Changes with the same key in a row, as of one slider, are one. */
  remember(key) {
    const now = JSON.stringify(this.steps);
    if (now === this.last) return;
    if (!key || this.past.at(-1)?.key !== key) this.past.push({ steps: this.last, key });
    if (this.past.length > UNDO_STEPS) this.past.shift();
    this.last = now;
  }

  /** The transforms changed: the address and the images follow, and so do the controls. */
  changed() {
    this.remember();
    this.text.value = JSON.stringify(this.steps);
    this.render();
    this.page.show();
  }

  /** A value of one parameter changed under the hand: its control stays as it is. */
  tuned(key) {
    this.remember(key);
    this.text.value = JSON.stringify(this.steps);
    this.summarise();
    this.editor.querySelector("[data-undo]").disabled = false;
    this.page.showSoon();
  }

  summarise() {
    this.editor.querySelectorAll(".step .summary").forEach((line, at) => {
      line.textContent = summary(byName.get(this.steps[at].name), this.steps[at]);
    });
    this.nameOrigin();
  }

  /** Says which preset or saved pipeline this is, or which it was before it was changed. */
  nameOrigin() {
    const now = written(this.steps);
    const known = [...catalogue.presets, ...catalogue.saved];
    const is = ([, steps]) => written(steps.map(whole)) === now;
    const same = known.find(one => one[0] === this.origin && is(one)) ?? known.find(is);
    if (same) this.origin = same[0];
    const place = this.editor.querySelector("[data-origin]");
    if (place) place.textContent = same ? same[0] : this.origin ? `${this.origin}, changed` : "own steps";
    this.editor.querySelectorAll("[data-preset]").forEach(preset => { preset.ariaPressed = String(preset.dataset.preset === same?.[0]); });
  }

  use(steps, savedName = "", origin = savedName) {
    this.steps = steps.map(whole);
    this.savedName = savedName;
    this.origin = origin;
    this.open.clear();
    this.changed();
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    this.steps = JSON.parse(before.steps);
    this.last = before.steps;
    this.open.clear();
    this.text.value = before.steps;
    this.render();
    this.page.show();
    this.focus(this.past.length > 0 ? "[data-undo]" : ".presets button");
  }

  remove(at) {
    this.steps.splice(at, 1);
    this.changed();
    this.focus(this.steps.length > 0 ? `.step:nth-child(${Math.min(at + 1, this.steps.length)}) .step-head` : ".add select");
    say("Removed; Undo brings it back.");
  }

  move(from, to, control = ".step-head") {
    if (to < 0 || to >= this.steps.length || from === to) return;
    const [step] = this.steps.splice(from, 1);
    this.steps.splice(to, 0, step);
    this.changed();
    this.focus(`.step:nth-child(${to + 1}) ${control}`);
  }

  focus(selector) {
    this.editor.querySelector(selector)?.focus();
  }

  render() {
    const list = h("ol", { className: "steps" }, ...this.steps.map((step, at) => this.step(step, at)));
    this.editor.replaceChildren(this.presets(), ...this.saved(), list, this.add());
    this.summarise();
  }

  presets() {
    const other = this.letter === "a" ? "b" : "a";
    const undo = button("Undo", "Take the last change of this pipeline back", () => this.undo());
    undo.dataset.undo = "";
    undo.disabled = this.past.length === 0;
    // The row is made anew with the editor: the focus stays on the button that was pressed.
    const take = (at, steps, origin) => {
      this.use(steps, "", origin);
      this.editor.querySelectorAll(".presets button")[at]?.focus();
    };
    const presets = catalogue.presets;
    const origin = h("strong", { className: "origin" });
    origin.dataset.origin = "";
    return h("div", { className: "presets" }, "Preset ", origin,
      ...presets.map(([name, steps], at) => {
        const made = button(name, `Load as “${name}”`, () => take(at, steps, name));
        made.dataset.preset = name;
        return made;
      }),
      button(`copy from ${other.toUpperCase()}`, "Copy the other pipeline", () => take(presets.length, this.page.sides[other].steps, this.page.sides[other].origin)),
      undo);
  }

  /** The row of saved pipelines: choose, save, rename, delete. */
  saved() {
    const row = h("div", { className: "saved" });
    if (catalogue.saved.length > 0) {
      const select = h("select", { ariaLabel: "Saved pipelines" }, h("option", { value: "", textContent: "saved pipelines…" }),
        ...catalogue.saved.map(([name]) => h("option", { textContent: name, selected: name === this.savedName })));
      select.addEventListener("change", () => {
        const found = catalogue.saved.find(([name]) => name === select.value);
        if (found) this.use(found[1], found[0]);
        this.focus(".saved select");
      });
      row.append(select);
    }
    if (this.naming) {
      row.append(...this.nameFields());
      return [row];
    }
    // Whoever only looks may load a saved pipeline, and change it for themselves.
    if (!catalogue.can_save) return catalogue.saved.length > 0 ? [row] : [];
    row.append(button("Save as…", "Keep this pipeline under a name", () => this.askName("save")));
    if (this.savedName) {
      row.append(
        button("Rename…", `Give “${this.savedName}” another name`, () => this.askName("rename")),
        button("Delete", `Forget the saved pipeline “${this.savedName}”`, () => this.forget()));
    }
    return [row];
  }

  askName(what) {
    this.naming = what;
    this.render();
    this.focus(".saved input");
    this.editor.querySelector(".saved input").select();
  }

  nameFields() {
    const input = h("input", { value: this.savedName, ariaLabel: "Name of the pipeline", maxLength: 60, placeholder: "name" });
    const accept = button("Save", "", () => this.takeName(input.value.trim()));
    const replaces = () => this.naming === "save" && catalogue.saved.some(([name]) => name === input.value.trim());
    const word = () => { accept.textContent = this.naming === "rename" ? "Rename" : replaces() ? "Replace" : "Save"; };
    input.addEventListener("input", word);
    word();
    input.addEventListener("keydown", event => {
      // Enter is this field's; it must not send the form around it.
      if (event.key === "Enter") { event.preventDefault(); accept.click(); }
      if (event.key === "Escape") { event.stopPropagation(); this.stopNaming(); }
    });
    return [input, accept, button("Cancel", "", () => this.stopNaming())];
  }

  stopNaming() {
    this.naming = null;
    this.render();
    this.focus(".saved button");
  }

  async takeName(name) {
    if (!name) { this.focus(".saved input"); return; }
    const renamed = this.naming === "rename" ? this.savedName : null;
    if (renamed === name) { this.stopNaming(); return; }
    const told = renamed ? await send("PATCH", renamed, { name }) : await send("PUT", name, this.steps);
    if (!told) { this.focus(".saved input"); return; }
    this.keep(catalogue.saved.filter(([other]) => other !== name && other !== renamed), [told.name, told.steps]);
    this.savedName = told.name;
    this.stopNaming();
    say(renamed ? `“${renamed}” is now “${told.name}”.` : `Saved as “${told.name}”.`);
  }

  /** Deleted at once, and brought back by a button in the same place. */
  async forget() {
    const [name, steps] = catalogue.saved.find(([other]) => other === this.savedName);
    if (!await send("DELETE", name)) return;
    this.savedName = "";
    this.keep(catalogue.saved.filter(([other]) => other !== name));
    const back = button(`“${name}” is deleted: undo`, "Save it again", async () => {
      if (!await send("PUT", name, steps)) return;
      this.savedName = name;
      this.keep(catalogue.saved, [name, steps]);
      this.focus(".saved select");
    });
    this.editor.querySelector(".saved").append(back);
    back.focus();
  }

  /** The saved pipelines are these now, on both sides. */
  keep(saved, ...more) {
    catalogue.saved = [...saved, ...more].sort(([a], [b]) => a.localeCompare(b));
    for (const side of Object.values(this.page.sides)) side.render();
  }

  add() {
    const choose = h("select", { ariaLabel: "Add a transform" }, h("option", { value: "", textContent: "Add a transform…" }),
      ...catalogue.groups.map(([group, label]) => h("optgroup", { label },
        ...catalogue.transforms.filter(transform => transform.group === group)
          .map(transform => h("option", { value: transform.name, textContent: transform.label })))));
    choose.addEventListener("change", () => {
      const step = whole({ name: choose.value });
      if ("size" in step) step.size = catalogue.size;
      // Before the normalisation, which stays last.
      const at = this.steps.at(-1)?.name === "normalize" ? this.steps.length - 1 : this.steps.length;
      this.open.add(step);
      this.steps.splice(at, 0, step);
      this.changed();
      this.focus(`.step:nth-child(${at + 1}) .step-head`);
    });
    return h("div", { className: "add" }, choose);
  }

  step(step, at) {
    const transform = byName.get(step.name);
    const isOpen = this.open.has(step);
    const id = `${this.letter}-parameters-${at}`;
    const grip = h("span", { className: "grip", textContent: "⠿", title: "Drag to another place", ariaHidden: "true" });
    const head = h("button", { type: "button", className: "step-head", title: transform.help, ariaExpanded: String(isOpen) },
      h("strong", { textContent: transform.label }), h("span", { className: "summary" }));
    head.setAttribute("aria-controls", id);
    const parameters = h("div", { className: "parameters", id, hidden: !isOpen }, h("p", { className: "help", textContent: transform.help }));
    for (const parameter of transform.parameters) {
      parameters.append(...control(parameter, step, () => this.tuned(`${at} ${parameter.name}`)));
    }
    if (step.name === "normalize") parameters.append(...this.normalizations(step));
    head.addEventListener("click", () => {
      parameters.hidden = !parameters.hidden;
      head.ariaExpanded = String(!parameters.hidden);
      if (parameters.hidden) this.open.delete(step);
      else this.open.add(step);
    });
    head.addEventListener("keydown", event => {
      if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      this.move(at, at + (event.key === "ArrowUp" ? -1 : 1));
    });
    const earlier = button("↑", `${transform.label} earlier`, () => this.move(at, at - 1));
    const later = button("↓", `${transform.label} later`, () => this.move(at, at + 1));
    const gone = button("×", `Remove ${transform.label}`, () => this.remove(at));
    for (const tool of [earlier, later, gone]) tool.ariaLabel = tool.title;
    const row = h("div", { className: "step-row" }, grip, head, earlier, later, gone);
    const item = h("li", { className: "step" }, row, parameters);
    this.makeDraggable(item, grip, at);
    return item;
  }

  normalizations(step) {
    const usual = catalogue.normalizations.map(([label, { mean, std }]) => {
      const figures = { mean: mean.map(short), std: std.map(short) };
      return button(label, `mean ${figures.mean.join(" ")}, std ${figures.std.join(" ")}`, () => {
        Object.assign(step, structuredClone(figures));
        this.changed();
      });
    });
    return [h("span", { textContent: "Usual" }), h("span", { className: "values" }, ...usual)];
  }

  makeDraggable(item, grip, at) {
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
  }
}
