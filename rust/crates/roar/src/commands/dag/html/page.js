"use strict";
// Text comes into the page by textContent alone: no name in it can be more than a name.
const data = JSON.parse(document.getElementById("data").textContent);
const get = (id) => document.getElementById(id);
const drawing = get("drawing"), scene = get("scene"), panel = get("panel");
const ZOOM_MIN = 0.01, ZOOM_MAX = 4, FAR = 0.3, READABLE = 0.8;

function svg(name, attributes, parent, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// The drawing.

const before = data.nodes.map(() => []), after = data.nodes.map(() => []);
const links = data.links.map((link) => {
  const [start, ...rest] = link.points;
  let path = `M${start[0]} ${start[1]}`, last = start;
  for (const point of rest) {
    const half = (last[1] + point[1]) / 2;
    path += last[0] === point[0] ? `V${point[1]}` : `C${last[0]} ${half} ${point[0]} ${half} ${point[0]} ${point[1]}`;
    last = point;
  }
  before[link.to].push(link.from);
  after[link.from].push(link.to);
  return svg("path", { class: link.guess ? "link guess" : "link", d: path }, get("links"));
});
const nodes = data.nodes.map((node, at) => {
  const marked = node.marks.length > 0;
  const group = svg("g", {
    class: `node ${node.kind}${marked ? " marked" : ""}`, transform: `translate(${node.x} ${node.y})`, "data-name": node.name,
  }, get("nodes"));
  svg("title", {}, group, node.title);
  svg("rect", { width: node.w, height: node.h, rx: node.kind === "job" ? 7 : 2 }, group);
  node.lines.forEach((line, row) => {
    const looks = row === 0 ? "first" : node.kind === "job" ? "" : "faint";
    svg("text", { x: 10, y: 17 + row * 16, class: looks }, group, line);
  });
  if (marked) svg("text", { x: 10, y: 17 + node.lines.length * 16, class: "marks" }, group, node.marks.join(", "));
  group.addEventListener("click", () => { if (!wasDragged) choose(at); });
  return group;
});
const boxes = [
  ...data.nodes.map((node, at) => ({
    element: nodes[at], isSeen: true, left: node.x, top: node.y, right: node.x + node.w, bottom: node.y + node.h,
  })),
  ...data.links.map((link, at) => {
    const across = link.points.map((point) => point[0]), down = link.points.map((point) => point[1]);
    return {
      element: links[at], isSeen: true,
      left: Math.min(...across), top: Math.min(...down), right: Math.max(...across), bottom: Math.max(...down),
    };
  }),
];
const texts = data.nodes.map((node) =>
  [node.title, ...node.lines, ...node.marks, ...node.facts.map((fact) => fact[1]), ...node.members].join("\n").toLowerCase());
const plural = (count, thing) => `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
get("summary").textContent = `${plural(data.jobs, "step")}, ${plural(data.files, "file version")}`;

// What is seen of it.

const view = { x: 0, y: 0, zoom: 1, width: 1, height: 1 };

// To ask the browser for it at every step would have it lay out all text each time.
function measure() {
  view.width = drawing.clientWidth;
  view.height = drawing.clientHeight;
}

function show() {
  scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.zoom})`);
  drawing.classList.toggle("far", view.zoom < FAR);
  // What is out of sight is not drawn: most of a large graph, most of the time.
  const left = -view.x / view.zoom, top = -view.y / view.zoom;
  const right = left + view.width / view.zoom, bottom = top + view.height / view.zoom;
  for (const box of boxes) {
    const isSeen = box.right >= left && box.left <= right && box.bottom >= top && box.top <= bottom;
    if (isSeen !== box.isSeen) {
      box.isSeen = isSeen;
      box.element.style.display = isSeen ? "" : "none";
    }
  }
}

function zoom(factor, x = view.width / 2, y = view.height / 2) {
  const next = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, view.zoom * factor));
  view.x = x - (x - view.x) * next / view.zoom;
  view.y = y - (y - view.y) * next / view.zoom;
  view.zoom = next;
  show();
}

function fit() {
  const width = Math.max(1, ...data.nodes.map((node) => node.x + node.w));
  const height = Math.max(1, ...data.nodes.map((node) => node.y + node.h));
  const room = [view.width - 48, view.height - 48];
  view.zoom = Math.min(1.25, Math.max(ZOOM_MIN, Math.min(room[0] / width, room[1] / height)));
  view.x = (view.width - width * view.zoom) / 2;
  view.y = (view.height - height * view.zoom) / 2;
  show();
}

// Shows all if that can be read, else where it begins.
function begin() {
  fit();
  if (view.zoom >= READABLE || !data.nodes.length) return;
  const first = data.nodes.reduce((best, node) => (node.y < best.y ? node : best));
  view.zoom = READABLE;
  view.x = view.width / 2 - (first.x + first.w / 2) * view.zoom;
  view.y = 24;
  show();
}

function center(at) {
  const node = data.nodes[at];
  view.zoom = Math.max(view.zoom, 0.8);
  view.x = view.width / 2 - (node.x + node.w / 2) * view.zoom;
  view.y = view.height / 2 - (node.y + node.h / 2) * view.zoom;
  show();
}

drawing.addEventListener("wheel", (event) => {
  event.preventDefault();
  const corner = drawing.getBoundingClientRect();
  const lines = event.deltaMode === 1 ? 16 : 1;
  zoom(Math.exp(-event.deltaY * lines * 0.0016), event.clientX - corner.left, event.clientY - corner.top);
}, { passive: false });

let drag = null, wasDragged = false;
drawing.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drag = { x: event.clientX - view.x, y: event.clientY - view.y, fromX: event.clientX, fromY: event.clientY };
  wasDragged = false;
});
window.addEventListener("pointermove", (event) => {
  if (!drag) return;
  // A hand is not still when it clicks.
  if (!wasDragged && Math.hypot(event.clientX - drag.fromX, event.clientY - drag.fromY) < 4) return;
  wasDragged = true;
  drawing.classList.add("dragged");
  view.x = event.clientX - drag.x;
  view.y = event.clientY - drag.y;
  show();
});
for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, () => { drag = null; drawing.classList.remove("dragged"); });
}
drawing.addEventListener("click", (event) => {
  if (!wasDragged && !event.target.closest(".node")) choose(null);
});
get("in").addEventListener("click", () => zoom(1.4));
get("out").addEventListener("click", () => zoom(1 / 1.4));
get("fit").addEventListener("click", fit);

// The panel.

let chosen = null;

function reach(start, next) {
  const seen = new Set([start]), open = [start];
  while (open.length) for (const other of next[open.pop()]) if (!seen.has(other)) { seen.add(other); open.push(other); }
  return seen;
}

function list(section, heading, places) {
  section.replaceChildren();
  if (!places.length) return;
  const title = document.createElement("h3");
  title.textContent = heading;
  const items = document.createElement("ul");
  for (const at of [...new Set(places)]) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = data.nodes[at].kind === "file" ? data.nodes[at].title : data.nodes[at].lines.slice(0, 2).join("  ");
    button.addEventListener("click", () => { choose(at); center(at); });
    item.append(button);
    items.append(item);
  }
  section.append(title, items);
}

function choose(at) {
  if (chosen !== null) nodes[chosen].classList.remove("chosen");
  chosen = at;
  panel.hidden = at === null;
  measure();
  drawing.classList.toggle("narrowed", at !== null);
  if (at === null) {
    history.replaceState(null, "", location.pathname + location.search);
    return;
  }
  const node = data.nodes[at];
  nodes[at].classList.add("chosen");
  const up = reach(at, before), down = reach(at, after);
  nodes.forEach((group, other) => group.classList.toggle("near", up.has(other) || down.has(other)));
  data.links.forEach((link, index) => links[index].classList.toggle("near",
    (up.has(link.from) && up.has(link.to)) || (down.has(link.from) && down.has(link.to))));
  const kind = document.createElement("span");
  kind.className = "kind";
  kind.textContent = { job: "step", file: "file version", files: "files of the same steps" }[node.kind] +
    (node.marks.length ? ` · ${node.marks.join(", ")}` : "");
  get("heading").replaceChildren(kind, node.kind === "file" ? node.title : node.lines[0]);
  get("facts").replaceChildren(...node.facts.flatMap(([name, value]) => {
    const term = document.createElement("dt"), fact = document.createElement("dd");
    term.textContent = name;
    fact.textContent = value;
    return [term, fact];
  }));
  const isJob = node.kind === "job";
  list(get("before"), isJob ? "Inputs" : "Made by", before[at]);
  list(get("after"), isJob ? "Outputs" : "Used by", after[at]);
  get("members").replaceChildren();
  if (node.members.length) {
    const title = document.createElement("h3"), items = document.createElement("ul");
    title.textContent = "Names";
    items.append(...node.members.map((name) => {
      const item = document.createElement("li");
      item.textContent = name;
      return item;
    }));
    get("members").append(title, items);
  }
  panel.scrollTop = 0;
  history.replaceState(null, "", `#${encodeURIComponent(node.name)}`);
}
get("close").addEventListener("click", () => choose(null));

// Searching.

let matches = [], match = -1;

function search() {
  const words = get("query").value.toLowerCase().split(/\s+/).filter(Boolean);
  matches = words.length ? texts.flatMap((text, at) => (words.every((word) => text.includes(word)) ? [at] : [])) : [];
  match = -1;
  const isMatch = new Set(matches);
  nodes.forEach((group, at) => { group.classList.toggle("match", isMatch.has(at)); group.classList.remove("at"); });
  get("found").textContent = words.length ? (matches.length ? plural(matches.length, "match").replace("matchs", "matches") : "nothing") : "";
}

function step(by) {
  if (!matches.length) return;
  if (match >= 0) nodes[matches[match]].classList.remove("at");
  match = (match + by + matches.length) % matches.length;
  nodes[matches[match]].classList.add("at");
  get("found").textContent = `${match + 1} of ${matches.length}`;
  choose(matches[match]);
  center(matches[match]);
}
get("query").addEventListener("input", search);
get("search").addEventListener("submit", (event) => event.preventDefault());
get("query").addEventListener("keydown", (event) => {
  if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
});

// Keys, looks, and the beginning.

window.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (document.activeElement === get("query")) { get("query").value = ""; search(); drawing.focus(); } else choose(null);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.activeElement === get("query")) return;
  const pan = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[event.key];
  if (pan) { view.x += pan[0]; view.y += pan[1]; show(); }
  else if (event.key === "/") get("query").focus();
  else if (event.key === "+" || event.key === "=") zoom(1.4);
  else if (event.key === "-") zoom(1 / 1.4);
  else if (event.key === "0") fit();
  else return;
  event.preventDefault();
});

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const setTheme = (isDark) => { document.documentElement.dataset.theme = isDark ? "dark" : "light"; };
setTheme(prefersDark.matches);
prefersDark.addEventListener("change", (event) => setTheme(event.matches));
get("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));

measure();
begin();
new ResizeObserver(() => { measure(); show(); }).observe(drawing);
const wanted = data.nodes.findIndex((node) => node.name === decodeURIComponent(location.hash.slice(1)));
if (wanted >= 0) { choose(wanted); center(wanted); }
document.body.dataset.ready = "yes";
