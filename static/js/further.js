// The drawing of the schedule follows the number of epochs while it is typed; the button that draws it is for pages without a script.

const form = document.getElementById("further");
const field = form?.elements.epochs;
const drawing = document.getElementById("schedule");
let newest = 0;

async function draw() {
  const own = ++newest;
  const answer = await fetch(`${location.pathname}?epochs=${encodeURIComponent(field.value)}`);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // Of several that were asked for, the last number typed counts.
  const drawn = page.getElementById("schedule");
  if (own === newest && drawn) drawing.replaceChildren(...drawn.childNodes);
}

if (field && drawing) {
  document.getElementById("draw").hidden = true;
  field.addEventListener("input", () => {
    if (field.checkValidity()) draw();
  });
}
