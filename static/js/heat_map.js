// The confusion matrix of many classes: all of it at a glance, zoomed in for names and counts. Scrolling zooms about the pointer,
// dragging moves, a click or Enter opens a cell's images, and a class can be found by name.

const section = document.querySelector(".heat-map");
if (section) draw(section);

function draw(section) {
  const data = JSON.parse(section.querySelector("script").textContent);
  const { classes, figure, hideDiagonal } = data;
  const size = classes.length;
  const canvas = section.querySelector("canvas");
  const status = section.querySelector(".heat-map-cell");
  const [rowSums, columnSums] = [new Array(size).fill(0), new Array(size).fill(0)];
  const counts = new Map();
  let greatestMistake = 1;
  for (const [row, column, count] of data.cells) {
    rowSums[row] += count;
    columnSums[column] += count;
    counts.set(row * size + column, count);
    if (row !== column) greatestMistake = Math.max(greatestMistake, count);
  }
  /** Left and top in cells, and how many cells are in sight. */
  let view = { x: 0, y: 0, cells: size };
  let chosen = null;
  const MARGIN = 96;
  const FEWEST = 8;

  const countAt = (row, column) => counts.get(row * size + column) ?? 0;
  const shareOf = (row, column, count) => {
    if (hideDiagonal && figure === "count") return count / greatestMistake;
    return count / (figure === "column" ? columnSums[column] : rowSums[row]);
  };

  /** Where the cells are drawn: names stand at the left and on top once they can be read. */
  function layout() {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const side = Math.min(width, height);
    const named = (side - MARGIN) / view.cells >= 11;
    const margin = named ? MARGIN : 0;
    return { width, height, margin, named, side: side - margin, cell: (side - margin) / view.cells };
  }

  function clamp() {
    view.cells = Math.min(Math.max(view.cells, Math.min(FEWEST, size)), size);
    view.x = Math.min(Math.max(view.x, 0), size - view.cells);
    view.y = Math.min(Math.max(view.y, 0), size - view.cells);
  }

  function paint() {
    clamp();
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(name).trim();
    const ratio = devicePixelRatio || 1;
    const { width, height, margin, named, side, cell } = layout();
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = colour("--raised");
    pen.fillRect(0, 0, width, height);
    const at = (row, column) => [margin + (column - view.x) * cell, margin + (row - view.y) * cell];
    pen.save();
    pen.beginPath();
    pen.rect(margin, margin, side, side);
    pen.clip();
    pen.strokeStyle = colour("--line");
    if (cell >= 8) {
      pen.beginPath();
      for (let line = Math.ceil(view.x); line <= view.x + view.cells; line += 1) {
        const [x] = at(0, line);
        pen.moveTo(x, margin);
        pen.lineTo(x, margin + side);
      }
      for (let line = Math.ceil(view.y); line <= view.y + view.cells; line += 1) {
        const [, y] = at(line, 0);
        pen.moveTo(margin, y);
        pen.lineTo(margin + side, y);
      }
      pen.stroke();
    }
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const [row, column, count] of data.cells) {
      const [x, y] = at(row, column);
      if (x + cell < margin || y + cell < margin || x > width || y > height) continue;
      if (hideDiagonal && row === column) continue;
      // Even one image is to be seen among thousands.
      const share = shareOf(row, column, count);
      const strength = 0.12 + 0.82 * Math.sqrt(Math.min(share, 1));
      pen.fillStyle = `rgba(${colour("--cell")}, ${strength})`;
      // A mark of less than a pixel and a half could not be seen.
      const mark = Math.max(cell, 1.5);
      pen.fillRect(x, y, mark, mark);
      if (cell >= 20) {
        const text = figure === "count" ? String(count) : share < 0.005 ? "<1" : String(Math.round(share * 100));
        pen.fillStyle = strength > 0.5 ? colour("--ground") : colour("--ink");
        pen.font = `${Math.min(cell * 0.38, 13)}px system-ui, sans-serif`;
        pen.fillText(text, x + cell / 2, y + cell / 2);
      }
    }
    if (chosen) {
      const [x, y] = at(chosen.row, chosen.column);
      pen.strokeStyle = colour("--accent");
      pen.lineWidth = 1;
      pen.globalAlpha = 0.6;
      pen.strokeRect(margin, y, side, cell);
      pen.strokeRect(x, margin, cell, side);
      pen.globalAlpha = 1;
      pen.lineWidth = 3;
      pen.strokeRect(x, y, Math.max(cell, 4), Math.max(cell, 4));
    }
    pen.restore();
    if (!named) return;
    pen.fillStyle = colour("--ink");
    pen.font = `${Math.min(cell * 0.8, 12)}px system-ui, sans-serif`;
    const [first, last] = [Math.floor(view.y), Math.min(size - 1, Math.floor(view.y + view.cells))];
    pen.textAlign = "right";
    for (let row = first; row <= last; row += 1) {
      const y = at(row, 0)[1] + cell / 2;
      if (y > margin && y < margin + side) pen.fillText(shorten(classes[row]), margin - 4, y);
    }
    for (let column = Math.floor(view.x); column <= Math.min(size - 1, Math.floor(view.x + view.cells)); column += 1) {
      const x = at(0, column)[0] + cell / 2;
      if (x <= margin || x >= margin + side) continue;
      pen.save();
      pen.translate(x, margin - 4);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "left";
      pen.fillText(shorten(classes[column]), 0, 0);
      pen.restore();
    }
  }

  const shorten = name => name.length > 15 ? `${name.slice(0, 14)}…` : name;

  function tell() {
    if (!chosen) { status.textContent = "\u00a0"; return; }
    const { row, column } = chosen;
    const count = countAt(row, column);
    const share = rowSums[row] > 0 ? ` (${(count * 100 / rowSums[row]).toFixed(1)}\u00a0% of ${rowSums[row].toLocaleString("en")})` : "";
    status.textContent = `true ${classes[row]} → predicted ${classes[column]}: ${count.toLocaleString("en")}${share}`;
  }

  function choose(row, column) {
    const inside = index => Math.min(Math.max(index, 0), size - 1);
    chosen = { row: inside(row), column: inside(column) };
    tell();
    paint();
  }

  function cellAt(event) {
    const box = canvas.getBoundingClientRect();
    const { margin, cell } = layout();
    const column = Math.floor(view.x + (event.clientX - box.left - margin) / cell);
    const row = Math.floor(view.y + (event.clientY - box.top - margin) / cell);
    const inside = index => index >= 0 && index < size;
    return inside(row) && inside(column) ? { row, column } : null;
  }

  function open({ row, column }) {
    if (countAt(row, column) === 0) return;
    const url = new URL(section.dataset.gallery, location.href);
    url.searchParams.set("actual", classes[row]);
    url.searchParams.set("predicted", classes[column]);
    location.href = url;
  }

  /** Zooms so that what is at a share of the width and height stays where it is. */
  function zoom(factor, across = 0.5, down = 0.5) {
    const cells = Math.min(Math.max(view.cells * factor, Math.min(FEWEST, size)), size);
    view = { x: view.x + (view.cells - cells) * across, y: view.y + (view.cells - cells) * down, cells };
    paint();
  }

  /** Brings a cell into sight. */
  function reveal() {
    if (chosen.column < view.x) view.x = chosen.column;
    if (chosen.column + 1 > view.x + view.cells) view.x = chosen.column + 1 - view.cells;
    if (chosen.row < view.y) view.y = chosen.row;
    if (chosen.row + 1 > view.y + view.cells) view.y = chosen.row + 1 - view.cells;
    paint();
  }

  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });

  let drag = null;
  canvas.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    drag = { x: event.clientX, y: event.clientY, view, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", event => {
    if (!drag) {
      const cell = cellAt(event);
      if (cell) choose(cell.row, cell.column);
      return;
    }
    const { cell } = layout();
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (Math.hypot(dx, dy) > 4) drag.moved = true;
    if (!drag.moved) return;
    view = { ...drag.view, x: drag.view.x - dx / cell, y: drag.view.y - dy / cell };
    paint();
  });
  canvas.addEventListener("pointerup", event => {
    const cell = drag && !drag.moved ? cellAt(event) : null;
    drag = null;
    if (cell) open(cell);
  });
  canvas.addEventListener("keydown", event => {
    const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (by) choose((chosen?.row ?? 0) + (chosen ? by[0] : 0), (chosen?.column ?? 0) + (chosen ? by[1] : 0));
    else if (event.key === "Enter" && chosen) open(chosen);
    else if (event.key === "+" || event.key === "=") zoom(0.7);
    else if (event.key === "-") zoom(1.4);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (by) reveal();
  });

  section.querySelector(".toolbar").hidden = false;
  section.addEventListener("click", event => {
    const button = event.target.closest("[data-zoom]");
    if (!button) return;
    if (button.dataset.zoom === "all") zoom(size);
    else zoom(button.dataset.zoom === "in" ? 0.6 : 1.6);
  });
  const list = section.querySelector("datalist");
  list.append(...classes.map(name => Object.assign(document.createElement("option"), { value: name })));
  section.querySelector("input[type=search]").addEventListener("input", event => {
    const wanted = event.target.value.trim().toLowerCase();
    if (!wanted) return;
    const names = classes.map(name => name.toLowerCase());
    const exact = names.indexOf(wanted);
    const found = exact >= 0 ? exact : names.findIndex(name => name.includes(wanted));
    if (found < 0) { status.textContent = `No class is called ${event.target.value}.`; return; }
    const cells = Math.min(24, size);
    view = { x: found - cells / 2, y: found - cells / 2, cells };
    choose(found, found);
  });

  new ResizeObserver(paint).observe(canvas);
  document.addEventListener("theme", paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}
