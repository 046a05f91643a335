// Words for a moment at the foot of the page, read aloud too.

const SHOWN_MS = 4000;

export function say(words) {
  const said = document.getElementById("said");
  said.textContent = words;
  setTimeout(() => { if (said.textContent === words) said.textContent = ""; }, SHOWN_MS);
}
