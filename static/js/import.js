// The import form: what was chosen is shown by class before anything is sent; an upload tells how far it is and can be cancelled.

import { dropped, isClutter, kindOf, sort, suggestedName, uploads } from "./import_files.js";

const form = document.querySelector("[data-import]");
/** Images shown of each class, and classes shown with images. */
const [PREVIEWS, PREVIEWED] = [8, 40];

/** Files that were brought: `{path, file, drop}`. */
let items = [];
let drops = 0;
/** What the person called each group of loose images. */
const names = new Map();
/** Addresses of previews, by file. */
const previews = new Map();
let sending = null;

const size = bytes => bytes < 1e3 ? `${bytes} bytes` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
const articles = { archive: "an archive", table: "a table", file: "a file" };
const counted = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
const time = seconds => seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

function make(tag, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

/** Says beside a field what is wrong with it; nothing: it is fine. */
function complain(field, words = "") {
  const place = form.querySelector(`[data-error="${field}"]`) ?? form.querySelector('[data-error="form"]');
  place.textContent = words;
  place.hidden = words === "";
  place.closest(".field")?.classList.toggle("invalid", words !== "");
  if (words) place.closest("details")?.setAttribute("open", "");
}

function add(brought) {
  const drop = ++drops;
  const fresh = brought.filter(item => !isClutter(item.path)).map(item => ({ ...item, drop }));
  items.push(...fresh);
  form.querySelector('[name="way"][value="upload"]').checked = true;
  complain("file", fresh.length === 0 ? "There is nothing in it that could be imported." : "");
  complain("form");
  show();
  suggest(suggestedName(sort(items, names)));
}

function remove(gone) {
  items = items.filter(item => !gone.includes(item));
  for (const { file } of gone) {
    if (previews.has(file)) URL.revokeObjectURL(previews.get(file));
    previews.delete(file);
  }
  show();
}

function preview(file) {
  if (!previews.has(file)) previews.set(file, URL.createObjectURL(file));
  return previews.get(file);
}

/** The field that names a class: of loose images, or of a folder, whose name it has at first. */
function classField(group, classes) {
  const input = make("input", { value: group.name, required: true, maxLength: 100, pattern: "[^.\\/\\\\][^\\/\\\\]*", title: "A class name has no slash and does not begin with a full stop", autocomplete: "off" });
  input.setAttribute("aria-label", group.loose ? "Class of these images" : `Class of the folder ${group.key.slice("folder ".length)}`);
  input.setAttribute("list", "chosen-classes");
  input.placeholder = "class of these images";
  input.dataset.key = group.key;
  input.addEventListener("input", () => { names.set(group.key, input.value.trim() === "" && !group.loose ? "" : input.value); summarize(); });
  const words = !group.loose ? "Class " : classes.length > 0 ? "New class, or add to " : "Class ";
  return make("label", { className: "quiet", textContent: words }, input);
}

function groupView(group, classes, withImages, canRename) {
  const bytes = group.items.reduce((sum, item) => sum + item.file.size, 0);
  const name = make("div", { className: "chosen-name" });
  if (group.loose) {
    name.append(classField(group, classes));
  } else if (group.key === "none") {
    name.append(make("strong", { textContent: "in no class folder" }), make("span", { className: "quiet", textContent: "these will be skipped" }));
  } else name.append(canRename ? classField(group, classes) : make("strong", { textContent: group.name }));
  name.append(make("span", { className: "figure quiet", textContent: `${counted(group.items.length, "image", "images")}, ${size(bytes)}` }));
  const button = make("button", { type: "button", className: "small", textContent: "Remove" });
  button.setAttribute("aria-label", `Remove ${group.name || "these images"}`);
  button.addEventListener("click", () => remove(group.items));
  const view = make("div", { className: "chosen-group" }, name, button);
  view.dataset.group = group.key;
  if (withImages) {
    const images = make("div", { className: "chosen-images" });
    for (const item of group.items.slice(0, PREVIEWS)) {
      const one = make("button", { type: "button", className: "small", textContent: "×", title: `Remove ${item.path}` });
      one.setAttribute("aria-label", `Remove ${item.path}`);
      one.addEventListener("click", () => remove([item]));
      images.append(make("div", { className: "chosen-image" }, make("img", { src: preview(item.file), alt: item.path, loading: "lazy", decoding: "async" }), one));
    }
    view.append(images);
  }
  return view;
}

/** What is wrong with what was chosen, before it is sent; `null` where nothing is. */
function lacking(plan) {
  if (items.length === 0) return "Choose images, a folder or an archive first.";
  if (plan.others.length > 0) return null; // an archive or a table may hold everything
  const classes = new Set(plan.groups.filter(group => group.key !== "none").map(group => group.name.trim()).filter(Boolean));
  const unnamed = plan.groups.filter(group => group.loose && group.name.trim() === "").length;
  if (unnamed > 0) return "Name the class of the loose images.";
  if (classes.size < 2) return "At least two classes are needed, and here is one. Add images of another class.";
  return null;
}

function summarize() {
  const plan = sort(items, names);
  const sum = form.querySelector("[data-sum]");
  if (!sum) return;
  const classes = new Set(plan.groups.filter(group => group.key !== "none").map(group => group.name.trim()).filter(Boolean));
  const images = plan.groups.reduce((count, group) => count + group.items.length, 0);
  const bytes = items.reduce((total, item) => total + item.file.size, 0);
  const parts = [];
  if (images > 0) parts.push(`${counted(images, "image", "images")} in ${counted(classes.size, "class", "classes")}`);
  const [first] = plan.others;
  if (plan.others.length === 1) parts.push(`${first.path}, ${articles[kindOf(first.path)]}`);
  else for (const [one, many] of [["archive", "archives"], ["table", "tables"], ["file", "files"]]) {
    const count = plan.others.filter(item => kindOf(item.path) === one).length;
    if (count > 0) parts.push(counted(count, images > 0 && one === "file" ? "other file" : one, images > 0 && one === "file" ? "other files" : many));
  }
  sum.textContent = `${parts.join(", ")}, ${size(bytes)}${plan.hasSplits ? ", split by folders" : ""}`;
  form.querySelector("[data-will-be]").textContent = willBe();
  const hint = lacking(plan);
  const note = form.querySelector("[data-lacking]");
  note.textContent = hint ?? "";
  note.hidden = hint === null;
}

/** The name that the data set will get, as far as it is known. */
function willBe() {
  const name = form.elements.name.value.trim();
  return name === "" ? "" : `It becomes the data set “${name}”.`;
}

function show() {
  const place = form.querySelector("[data-chosen]");
  if (items.length === 0) { place.replaceChildren(); return; }
  const plan = sort(items, names);
  const clear = make("button", { type: "button", className: "small", textContent: "Remove all" });
  clear.addEventListener("click", () => remove(items));
  const sum = make("strong");
  sum.dataset.sum = "";
  const will = make("p", { className: "quiet will-be" });
  will.dataset.willBe = "";
  const canRename = plan.others.length === 0 && plan.groups.some(group => group.key.startsWith("folder "));
  const rename = make("p", { className: "quiet", textContent: canRename
    ? "A class can be renamed here; two with one name become one."
    : "Classes of an archive or a table can be renamed or merged after the import, under Overview." });
  const note = make("p", { className: "note" });
  note.dataset.lacking = "";
  const classes = plan.groups.filter(group => !group.loose && group.key !== "none").map(group => group.name);
  const list = make("datalist", { id: "chosen-classes" }, ...classes.map(name => make("option", { value: name })));
  const groups = plan.groups.map((group, at) => groupView(group, classes, at < PREVIEWED, canRename));
  const others = make("ul", { className: "chosen-others" });
  for (const item of plan.others.slice(0, 100)) {
    const button = make("button", { type: "button", className: "small", textContent: "Remove" });
    button.setAttribute("aria-label", `Remove ${item.path}`);
    button.addEventListener("click", () => remove([item]));
    others.append(make("li", {}, make("span", {}, item.path, " ", make("span", { className: "quiet figure", textContent: size(item.file.size) })), button));
  }
  if (plan.others.length > 100) others.append(make("li", { textContent: `and ${plan.others.length - 100} more` }));
  place.replaceChildren(make("p", { className: "chosen-sum" }, sum, clear), will, note, rename, list, ...groups, others);
  summarize();
}

/** Fills in the name that the data set will get, unless the person has typed one. */
async function suggest(name) {
  const [input, help] = [form.elements.name, form.querySelector("[data-name-help]")];
  if (!name || (input.value !== "" && input.value !== input.dataset.suggested)) return;
  let free;
  try { free = await (await fetch(`/api/v1/dataset-names?name=${encodeURIComponent(name)}`)).json(); } catch { return; /* the server says so itself when it is asked to import */ }
  input.value = input.dataset.suggested = free.suggestion;
  if (items.length > 0) summarize();
  help.textContent = free.free ? "Taken from what you chose; change it as you like." : `There is a data set “${name}” already, so this one is “${free.suggestion}”.`;
  complain("name");
}

/** A name that is taken is said before anything is sent. */
async function nameIsFree() {
  const input = form.elements.name;
  if (input.value.trim() === "") return true;
  let answer;
  try { answer = await (await fetch(`/api/v1/dataset-names?name=${encodeURIComponent(input.value.trim())}`)).json(); } catch { return true; }
  if (answer.free) return true;
  complain("name", `There is a data set “${answer.name}” already. “${answer.suggestion}” is free and filled in: Import again to use it.`);
  input.value = input.dataset.suggested = answer.suggestion;
  input.focus();
  return false;
}

const warn = event => event.preventDefault();

function busy(request) {
  sending = request;
  form.querySelector("[data-start]").disabled = request !== null;
  form.querySelector("[data-upload]").hidden = request === null;
  if (request) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
}

function send(plan) {
  const body = new FormData();
  for (const field of ["way", "name", "format", "val", "test", "seed"]) body.append(field, form.elements[field].value);
  for (const [path, file] of uploads(plan)) body.append("file", file, path);
  const request = new XMLHttpRequest();
  const begun = performance.now();
  const [bar, words] = [form.querySelector("[data-upload] progress"), form.querySelector("[data-upload-words]")];
  const end = message => { busy(null); if (message) complain("form", message); };
  request.upload.addEventListener("progress", event => {
    if (!event.lengthComputable) return;
    const seconds = (performance.now() - begun) / 1000;
    const rate = event.loaded / Math.max(seconds, 0.001);
    const left = (event.total - event.loaded) / rate;
    bar.value = event.loaded / event.total * 100;
    words.textContent = `${size(event.loaded)} of ${size(event.total)}` + (seconds > 1 ? `, ${size(rate)}/s` : "") + (seconds > 1 && left > 1 ? `, about ${time(left)} left` : "");
  });
  request.addEventListener("load", () => {
    let answer = null;
    try { answer = JSON.parse(request.responseText); } catch { /* told below */ }
    if (request.status === 202) { busy(null); location.href = `/datasets/${answer.id}`; return; }
    const fields = answer?.error?.fields;
    end(fields ? "" : answer?.error?.message ?? `The server refused the upload (status ${request.status}).`);
    for (const [field, why] of Object.entries(fields ?? {})) complain(field, why);
    if (fields?.name) nameIsFree();
  });
  request.addEventListener("error", () => end("The upload broke off: the server does not answer. Is it still running? Try again; nothing that you chose is lost."));
  request.addEventListener("abort", () => end("The upload was cancelled; nothing of it was kept."));
  request.open("POST", "/api/v1/datasets");
  bar.value = 0;
  words.textContent = "";
  busy(request);
  request.send(body);
}

async function submit(event) {
  const way = new FormData(form).get("way");
  for (const place of form.querySelectorAll("[data-error]")) complain(place.dataset.error);
  if (way !== "upload") return; // sent as any form is; what is wrong comes back beside its field
  event.preventDefault();
  const plan = sort(items, names);
  const hint = lacking(plan);
  if (hint) { complain("file", hint); return; }
  if (await nameIsFree()) send(plan);
}

/** Offers folders and archives of the server's machine while a path is typed. */
function completePaths() {
  const [input, list] = [form.elements.path, form.querySelector("#paths")];
  let due = null;
  input.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(async () => {
      let found;
      try { found = await (await fetch(`/api/v1/paths?prefix=${encodeURIComponent(input.value)}`)).json(); } catch { return; /* a help, no more */ }
      list.replaceChildren(...(found.items ?? []).map(value => make("option", { value })));
    }, 120);
  });
}

function begin() {
  const [input, drop] = [form.elements.file, form.querySelector("[data-drop]")];
  const folder = make("input", { type: "file", webkitdirectory: true, hidden: true });
  folder.id = "folder";
  const pick = form.querySelector("[data-pick-folder]");
  pick.after(folder);
  pick.hidden = false;
  pick.addEventListener("click", () => folder.click());
  for (const chooser of [input, folder]) {
    chooser.addEventListener("change", () => {
      const files = [...chooser.files].map(file => ({ path: file.webkitRelativePath || file.name, file }));
      chooser.value = ""; // the same ones can be chosen again
      if (files.length > 0) add(files);
    });
  }
  input.classList.add("bare");
  input.removeAttribute("name"); // what was chosen is in the list, and sent from there
  form.addEventListener("submit", submit);
  form.elements.name.addEventListener("input", () => { if (items.length > 0) summarize(); });
  form.querySelector("[data-cancel]").addEventListener("click", () => sending?.abort());
  form.elements.path.addEventListener("change", () => suggest(form.elements.path.value.replace(/\/+$/, "").split("/").pop().split(".")[0]));
  form.elements.catalogue.addEventListener("change", () => suggest(form.elements.catalogue.value));
  if ("local" in form.dataset) completePaths();
  addEventListener("dragover", event => { event.preventDefault(); drop.classList.add("over"); });
  addEventListener("dragleave", event => { if (!event.relatedTarget) drop.classList.remove("over"); });
  addEventListener("drop", async event => {
    event.preventDefault();
    drop.classList.remove("over");
    try { add(await dropped(event.dataTransfer)); } catch (why) { complain("file", `It can’t be read: ${why.message}`); }
  });
}

if (form) begin();
