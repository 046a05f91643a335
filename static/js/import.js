// Dropping an archive anywhere on the page, and the progress of its upload.

const form = document.querySelector("[data-import]");
const error = form?.querySelector("[data-import-error]");

function complain(words) {
  error.textContent = words;
  error.hidden = false;
}

function upload(file) {
  const bar = form.querySelector(".upload");
  const [progress, text] = [bar.querySelector("progress"), bar.querySelector("span")];
  const body = new FormData();
  body.append("name", form.elements.name.value);
  body.append("format", form.elements.format.value);
  body.append("file", file);
  const request = new XMLHttpRequest();
  const begun = performance.now();
  const button = form.querySelector("button.primary");
  const end = words => { button.disabled = false; bar.hidden = true; complain(words); };
  bar.hidden = false;
  error.hidden = true;
  button.disabled = true;
  request.upload.addEventListener("progress", event => {
    if (!event.lengthComputable) return;
    const share = event.loaded / event.total;
    const left = (performance.now() - begun) / 1000 * (1 - share) / share;
    progress.value = share * 100;
    text.textContent = `${file.name}: ${(event.loaded / 1e6).toFixed(1)} of ${(event.total / 1e6).toFixed(1)} MB` + (left > 2 ? `, about ${Math.round(left)} s left` : "");
  });
  request.addEventListener("load", () => {
    let answer = null;
    try { answer = JSON.parse(request.responseText); } catch { /* told below */ }
    if (request.status === 202) location.href = `/datasets/${answer.id}`;
    else end(answer?.error?.message ?? `The server refused the upload (status ${request.status}).`);
  });
  request.addEventListener("error", () => end("The upload broke off: the server does not answer. Is it still running? Try again."));
  request.open("POST", "/api/v1/datasets");
  request.send(body);
}

if (form) {
  const drop = form.querySelector("[data-drop]");
  form.addEventListener("submit", event => {
    const file = form.elements.file.files[0];
    if (!file) return;
    event.preventDefault();
    upload(file);
  });
  addEventListener("dragover", event => { event.preventDefault(); drop.classList.add("over"); });
  addEventListener("dragleave", event => { if (!event.relatedTarget) drop.classList.remove("over"); });
  addEventListener("drop", event => {
    event.preventDefault();
    drop.classList.remove("over");
    const item = event.dataTransfer.items?.[0]?.webkitGetAsEntry?.();
    if (item?.isDirectory) { complain("A folder can't be dropped; give its path below, or drop an archive of it."); return; }
    const file = event.dataTransfer.files[0];
    if (file) upload(file);
  });
}
