import { refreshNow } from "./live.js";
import { setContent } from "./patch.js";

// The form of a new run: network inputs, cost and summaries follow every field; another data set has other defaults, and
// what was changed by hand stays. What learns, and from which weights, has defaults of its own, and leaves some fields without a say.

const form = document.getElementById("run-form");
const WAIT_MS = 200;

/** How many times "another draw" was asked for: not a field of a run. */
let redraws = 0;
let timer = null;
let busy = false;
let wanted = false;

/** Brings what the form as it stands would come to; while one answer is on its way, only the newest wish is kept. */
async function refresh() {
  clearTimeout(timer);
  wanted = true;
  if (busy) return;
  busy = true;
  const away = document.getElementById("away");
  const stale = setTimeout(() => document.getElementById("strip").classList.add("stale"), 300);
  while (wanted) {
    wanted = false;
    const body = new URLSearchParams(new FormData(form));
    const sent = new Map(body);
    body.set("redraws", redraws);
    try {
      const answer = await fetch("/runs/new/preview", { method: "POST", body });
      if (answer.ok) await take(await answer.text(), sent);
      away.hidden = true;
    } catch { away.hidden = false; }
  }
  clearTimeout(stale);
  document.getElementById("strip").classList.remove("stale");
  busy = false;
}

/** Puts each part in the place of the one with its name, once its images are there: nothing flickers. */
async function take(text, sent) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const parts = [...fresh.body.querySelectorAll("[id]")];
  const images = [...fresh.querySelectorAll("img")].map(({ src }) => {
    const image = new Image();
    image.src = src;
    return image.decode().catch(() => {});
  });
  await Promise.all(images);
  for (const part of parts) {
    const old = document.getElementById(part.id);
    if (!old) continue;
    if ("patch" in part.dataset) {
      setContent(old, part.innerHTML);
      old.hidden = part.hidden;
      continue;
    }
    // A focused link stays: its image is exchanged, the element under the keyboard is not.
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.sample : null;
    old.replaceWith(document.adoptNode(part));
    if (focused) part.querySelector(`[data-sample="${focused}"]`)?.focus({ preventScroll: true });
  }
  follow(sent);
}

/** Brings the defaults of what was chosen into the fields that nobody touched, and hides those that have no say. */
function follow(sent) {
  const state = JSON.parse(document.getElementById("form-state").value);
  for (const [name, { default: usual, counts }] of Object.entries(state)) {
    for (const part of form.querySelectorAll(`[data-counts="${name}"]`)) part.hidden = !counts;
    const field = form.elements[name];
    if (!field?.dataset || !("default" in field.dataset)) continue;
    const isUntouched = sent.get(name) === field.dataset.default && field.value === sent.get(name);
    field.dataset.default = usual;
    if (isUntouched) field.value = usual;
  }
  // A part of which nothing counts is not there.
  for (const group of form.querySelectorAll(".folded details")) {
    group.hidden = ![...group.querySelectorAll(".field, .notice")].some(field => !field.hidden);
  }
}

/** Fetches weights, or stops that, without leaving the form. */
async function fetchWeights(button) {
  button.disabled = true;
  const { weights, method } = button.dataset;
  try {
    await fetch(`/api/v1/weights/${weights}/fetch`, { method });
  } catch { document.getElementById("away").hidden = false; }
  button.disabled = false;
  for (const part of form.querySelectorAll(`[data-refresh="/live/weights/${weights}"]`)) refreshNow(part);
}

function chooseDataset(id) {
  const query = new URLSearchParams({ dataset: id });
  for (const field of form.elements) {
    if (field.name && "default" in field.dataset && field.value !== field.dataset.default) query.set(field.name, field.value);
  }
  const training = form.elements.training.value;
  if (training !== document.getElementById("training").dataset.default) {
    query.set("training", training);
    if (training !== "scratch") for (const name of ["weights", "weights_file"]) query.set(name, form.elements[name].value);
  }
  location.href = `/runs/new?${query}`;
}

if (form) {
  document.getElementById("strip-section").hidden = false;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT_MS);
  });
  form.elements.dataset.addEventListener("change", event => chooseDataset(event.target.value));
  document.getElementById("redraw").addEventListener("click", () => {
    redraws += 1;
    refresh();
  });
  // Weights that have come change what is said of them.
  document.body.addEventListener("weights", refresh);
  form.elements.weights_file.addEventListener("input", () => { form.querySelector("[name=weights][value=file]").checked = true; });
  form.addEventListener("click", event => {
    const fetched = event.target.closest("[data-weights]");
    if (fetched) {
      event.preventDefault();
      fetchWeights(fetched);
      return;
    }
    const use = event.target.closest("[data-use]");
    if (use) {
      const field = form.elements[use.dataset.for];
      field.value = use.dataset.use;
      field.focus();
      refresh();
    }
    const link = event.target.closest(".problems a");
    if (!link) return;
    event.preventDefault();
    const field = document.getElementById(link.hash.slice(1));
    const group = field.closest("details");
    if (group) group.open = true;
    field.scrollIntoView({ block: "center" });
    field.focus({ preventScroll: true });
  });
  // A second click on Start is the same wish, not a second run.
  let sent = false;
  form.addEventListener("submit", event => {
    if (sent) event.preventDefault();
    else sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
  document.getElementById("problems")?.focus();
  refresh();
}
