// Files that were chosen, sorted into what they will be: classes of images, and archives or tables beside them. No page here.

const IMAGES = /\.(jpe?g|png|gif|webp|bmp|tiff?|ico|tga|qoi|p[bgp]m|pnm|avif|heic|heif)$/i;
const SPLITS = /^(train|val|valid|validation|test)$/i;
const CLUTTER = /^(\.|__MACOSX$|Thumbs\.db$|desktop\.ini$)/i;

/** What no system shows: hidden files and the like. The server leaves them out as well. */
export const isClutter = path => path.split("/").some(part => CLUTTER.test(part));

export const isImage = item => IMAGES.test(item.path) || item.file.type.startsWith("image/");

const ARCHIVE = /\.(zip|tar|tar\.gz|tgz)$/i;
const TABLE = /\.(csv|tsv|jsonl?|parquet)$/i;

/** What a file that is no image is: an archive, a table, or neither by its name. */
export const kindOf = path => ARCHIVE.test(path) ? "archive" : TABLE.test(path) ? "table" : "file";

/**
 * Sorts `items`, each `{path, file, drop}`, into `{groups, others, base}`. A group is a class: `{key, name, loose, items, split}`. Images
 * in folders belong to the folder at the top, within whatever wraps all of them; what lies in folders called train, val or test, to the
 * folder in that. Loose images are a group for each time that some were brought. `names` has what groups are called, by their keys; two
 * with one name are one class. With an archive or a table beside them folders keep their names, by which a table may call its images.
 */
export function sort(items, names = new Map()) {
  const images = items.filter(isImage);
  const others = items.filter(item => !isImage(item));
  const placed = images.filter(item => item.path.includes("/"));
  const { base, hasSplits } = layout(placed.map(item => item.path));
  const groups = new Map();
  const add = (key, name, loose, item) => {
    if (!groups.has(key)) groups.set(key, { key, name, loose, items: [] });
    groups.get(key).items.push(item);
  };
  for (const item of images) {
    if (!item.path.includes("/")) {
      const key = `loose ${item.drop}`;
      add(key, names.get(key) ?? "", true, item);
      continue;
    }
    const parts = item.path.slice(base.length).split("/");
    if (hasSplits && SPLITS.test(parts[0])) parts.shift();
    const key = `folder ${parts[0]}`;
    if (parts.length < 2) add("none", "", false, item);
    else add(key, (others.length === 0 && names.get(key)) || parts[0], false, Object.assign(item, { inClass: parts.slice(1).join("/"), before: item.path.slice(0, item.path.length - parts.join("/").length), folder: parts[0] }));
  }
  const all = [...groups.values()];
  const folders = all.filter(group => !group.loose).sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  // By their own names, and loose ones last: all stay where they are while a name is typed.
  return { groups: [...folders, ...all.filter(group => group.loose)], others, base, hasSplits };
}

/** The wrapping folder (`""` or such as `pets/`), and whether what is in it are splits: by the rule of the server. */
function layout(paths) {
  let base = "";
  for (;;) {
    const folders = new Set();
    let [deep, hasSplits] = [false, false];
    for (const path of paths) {
      if (!path.startsWith(base)) continue;
      const parts = path.slice(base.length).split("/");
      if (parts.length < 2) continue;
      folders.add(parts[0]);
      if (parts.length > 2) {
        deep = true;
        hasSplits ||= SPLITS.test(parts[0]);
      }
    }
    if (folders.size !== 1 || !deep || hasSplits) return { base, hasSplits };
    base += `${[...folders][0]}/`;
  }
}

/** What the data set could be called: after its only archive, or after the folder around everything. */
export function suggestedName({ groups, others, base }) {
  if (groups.length === 0 && others.length === 1) return others[0].path.split("/").pop().split(".")[0];
  if (base) return base.split("/").at(-2);
  return groups.length > 0 || others.length > 0 ? "images" : "";
}

/** Where each file goes: images into the folder of their class, everything else where it was. No two go to one place. */
export function uploads({ groups, others }) {
  const taken = new Set();
  const free = path => {
    const [, stem, ending] = path.match(/^(.*?)((?:\.[^./]*)?)$/);
    let own = path;
    for (let number = 2; taken.has(own); number++) own = `${stem} (${number})${ending}`;
    taken.add(own);
    return own;
  };
  const place = (group, item) => {
    const name = group.name.trim();
    if (group.loose) return `${name}/${item.path}`;
    return item.folder !== undefined && name !== item.folder ? `${item.before}${name}/${item.inClass}` : item.path;
  };
  const of = group => group.items.map(item => [free(place(group, item)), item.file]);
  return [...groups.flatMap(of), ...others.map(item => [item.path, item.file])];
}

/** All files of a drop, with their paths; folders are looked into. Must be called while the drop is being handled. */
export function dropped(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return Promise.resolve([...transfer.files].map(file => ({ path: file.name, file })));
  return Promise.all(entries.map(entry => walk(entry, ""))).then(lists => lists.flat());
}

async function walk(entry, folder) {
  const path = folder + entry.name;
  if (isClutter(path)) return [];
  if (entry.isFile) return [{ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  const reader = entry.createReader();
  const found = [];
  // A folder is told a hundred entries at a time.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...await walk(inner, `${path}/`));
  }
}
