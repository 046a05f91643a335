// What stands before a line's name: a patch of its colour or, where lines are told apart by their strokes too, a piece of it.

const SVG = "http://www.w3.org/2000/svg";

/** The marker of a line. */
export function lineMarker(line) {
  if (!line.style) return document.createElement("i");
  const svg = document.createElementNS(SVG, "svg");
  const stroke = document.createElementNS(SVG, "line");
  for (const [name, value] of Object.entries({ x1: 1, x2: 27, y1: 4, y2: 4 })) stroke.setAttribute(name, value);
  if (line.style.dash.length > 0) stroke.setAttribute("stroke-dasharray", line.style.dash.join(" "));
  for (const [name, value] of Object.entries({ class: "run-mark", viewBox: "0 0 28 8", width: 28, height: 8 })) svg.setAttribute(name, value);
  svg.append(stroke);
  return svg;
}

/** Gives a marker its line's colour; of a line that is hidden it is fainter. */
export function paintMarker(marker, color, shown) {
  if (marker instanceof SVGElement) {
    marker.style.stroke = color;
    marker.style.opacity = shown ? 1 : 0.35;
  } else {
    marker.style.background = shown ? color : "none";
    marker.style.borderColor = color;
  }
}
