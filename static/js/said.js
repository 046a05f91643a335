// What was just done, said for a moment where the page shows no trace of it. The address carries it and is cleaned.

import { say } from "./say.js";

const WORDS = {
  rename: "Renamed.", note: "Note saved.", tag: "Tag added.", untag: "Tag removed.", star: "Starred.", unstar: "Star removed.",
  archive: "Archived: left out of lists, nothing is lost.", unarchive: "Unarchived: back in lists.", delete: "Deleted.", revoke: "Revoked.",
};

const address = new URL(location.href);
const said = address.searchParams.get("said");
if (said !== null) {
  address.searchParams.delete("said");
  history.replaceState(history.state, "", address);
  if (Object.hasOwn(WORDS, said)) say(WORDS[said]);
}
