// Puts what the server worded anew into the page, and touches only what is different: focus, selection and whatever a person
// has opened stay as they are.

/** Attributes that a script or a person sets while the page is open. */
const OURS = new Set(["open", "hidden", "aria-pressed", "data-chosen"]);

/** Sets the texts that elements ask for by `data-live`. */
export function setTexts(texts) {
  for (const element of document.querySelectorAll("[data-live]")) {
    const text = texts[element.dataset.live];
    if (text !== undefined) setText(element, text);
  }
}

function setText(element, text) {
  // A bar takes the number out of `37 %`, which others show as it is.
  if (element.localName === "progress") setAttribute(element, "value", text === "" ? null : String(parseFloat(text)));
  else if (element.localName === "path") setAttribute(element, "d", text);
  else if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Makes the children of `element` those of `html`. */
export function setContent(element, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  setChildren(element, template.content);
}

function setChildren(old, made) {
  let at = old.firstChild;
  for (const child of [...made.childNodes]) {
    const match = findMatch(at, child);
    if (!match) { old.insertBefore(child, at); continue; }
    // What stands between is not in the new content, or comes later in it.
    while (at !== match) {
      const next = at.nextSibling;
      if (isWanted(at, made)) old.append(at);
      else at.remove();
      at = next;
    }
    setNode(match, child);
    at = match.nextSibling;
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

/** The same thing in the old content: of the same `id`, or where there is none of the same kind. */
function findMatch(from, child) {
  for (let old = from; old; old = old.nextSibling) {
    if (isSame(old, child)) return old;
    // Something with a name of its own is not skipped for something that has none.
    if (!child.id && !old.id && old.nodeType === Node.ELEMENT_NODE && child.nodeType === Node.ELEMENT_NODE) return null;
  }
  return null;
}

function isSame(old, child) {
  return old.nodeName === child.nodeName && (old.id ?? "") === (child.id ?? "");
}

function isWanted(old, made) {
  return old.id && [...made.childNodes].some(child => isSame(old, child));
}

function setNode(old, made) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== made.data) old.data = made.data;
    return;
  }
  for (const { name, value } of made.attributes) if (!OURS.has(name)) setAttribute(old, name, value);
  for (const { name } of [...old.attributes]) if (!made.hasAttribute(name) && !OURS.has(name)) old.removeAttribute(name);
  // What a person types into is theirs.
  const isTheirs = old.matches("input, textarea") || (old.localName === "select" && old === document.activeElement);
  if (!isTheirs) setChildren(old, made);
}
