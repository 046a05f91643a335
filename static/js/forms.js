// How all forms behave: questions first, nothing sent twice, nothing done that wasn't chosen, nothing stale after *Back*.

/** Until a button that was pressed can be pressed again, where no page came: a file may have been the answer. */
const ANSWERED_MS = 8000;

const submitters = form => [...form.elements].filter(element => element.type === "submit" && !element.disabled);
const pressed = new Set();

function free(button) {
  button.disabled = false;
  pressed.delete(button);
}

document.addEventListener("submit", event => {
  const form = event.target;
  const question = form.dataset.confirm;
  if (question && !confirm(question)) { event.preventDefault(); return; }
  if (form.method !== "post") return;
  // Behind this event: a disabled button would not be sent, and a script may have taken the form over.
  setTimeout(() => {
    if (event.defaultPrevented) return;
    for (const button of submitters(form)) {
      button.disabled = true;
      pressed.add(button);
      setTimeout(free, ANSWERED_MS, button);
    }
  });
});

// Enter in a field presses a form's first button, whichever that is. Where there are several, one has to be chosen.
document.addEventListener("keydown", event => {
  const { target } = event;
  if (event.key !== "Enter" || !target.matches("input:not([type=submit], [type=button], [type=reset], [type=file])") || !target.form) return;
  if (submitters(target.form).length > 1 && !("enter" in target.form.dataset)) event.preventDefault();
});

/** The address of a form that asks for a page; what is left empty would only lengthen it. */
function addressOf(form) {
  const address = new URL(form.action);
  const filled = [...new FormData(form)].filter(([, value]) => value !== "");
  address.search = new URLSearchParams(filled);
  return address;
}

document.addEventListener("change", event => {
  if (!event.target.matches("[data-submit]")) return;
  const { form } = event.target;
  if (form.method === "get") location.href = addressOf(form);
  else form.requestSubmit();
});

// A page that comes back shows what its address says, not what was chosen when it was left.
addEventListener("pageshow", () => {
  pressed.forEach(free);
  for (const form of document.querySelectorAll("form")) {
    if (form.method === "get" && form.querySelector("[data-submit]")) form.reset();
  }
});
