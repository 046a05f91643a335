// The controls of a transform's parameters, made from the catalogue that the loading lab's page carries. Nothing here knows a
// transform by name.

export const catalogue = JSON.parse(document.getElementById("lab-editor").textContent);
export const byName = new Map(catalogue.transforms.map(transform => [transform.name, transform]));

/** An element with properties and children. */
export function h(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A number of 32 bits as it was written. */
export const short = value => Number(value.toPrecision(7));

export const parse = text => { try { return JSON.parse(text); } catch { return null; } };

/** Names that parameters had in earlier versions, which an address may still hold. */
const formerly = { padding_mode: "outside" };

/** A step with every parameter written out. */
export function whole(step) {
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
export function summary(transform, step) {
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

export function control(parameter, step, changed) {
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
      each(["min", "max"], at => value => {
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
