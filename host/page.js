// The page: zoom, what a mark says, and the table. The picture is drawn
// already; each piece of it says in data-a and data-b from when to when it is.
"use strict";
addEventListener("error", (event) => {
  document.documentElement.dataset.error = event.message;
});

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// -- The picture --------------------------------------------------------------

const svg = find(".plot .picture");
const FROM = +svg.dataset.from, TO = Math.max(+svg.dataset.to, FROM + 1);
const LEFT = +svg.dataset.left, MARGIN = +svg.dataset.margin;
const HEIGHT = svg.viewBox.baseVal.height;
const LETTER = 6.4; // As in host/picture.c.
const LEAST_MS = 20;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1.5e4, 3e4, 6e4, 1.2e5, 3e5, 6e5, 9e5, 1.8e6,
  3.6e6, 7.2e6, 1.08e7, 2.16e7, 4.32e7, 8.64e7, 1.728e8, 6.048e8, 2.592e9, 3.1536e10];
const pieces = all("[data-a]", svg).map((node) => ({
  node, kind: node.tagName, a: +node.dataset.a, b: +node.dataset.b, least: +node.dataset.least || 0,
  room: +node.dataset.room, only: node.dataset.only, width: node.tagName === "text" ? [...node.textContent].length * LETTER : 0,
}));
let from = FROM, to = TO, width = svg.viewBox.baseVal.width;

const right = () => width - MARGIN;
const scale = () => (right() - LEFT) / (to - from);
const x = (t) => LEFT + (t - from) * scale();

function words(ms) {
  const s = Math.floor(ms / 1000);
  if (ms === 0) return "0";
  if (ms < 1000) return ms + " ms";
  if (s < 60 && ms % 1000) return ms / 1000 + " s";
  if (s < 120) return (ms / 1000) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min" + (s % 60 ? " " + (ms % 6e4) / 1000 + " s" : "");
  return Math.floor(s / 3600) + " h" + (s % 3600 >= 60 ? " " + Math.floor(s / 60) % 60 + " min" : "")
    + (s % 60 ? " " + (ms % 6e4) / 1000 + " s" : "");
}

function drawAxis() {
  const axis = find(".axis", svg), [y1, y2] = ["y1", "y2"].map((key) => find("line", axis).getAttribute(key));
  const step = STEPS.find((one) => one * scale() >= 90) || STEPS[STEPS.length - 1];
  const add = (name, attributes) => {
    const node = document.createElementNS(svg.namespaceURI, name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return axis.appendChild(node);
  };
  axis.textContent = "";
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    add("line", { x1: x(t), x2: x(t), y1, y2 });
    add("text", { x: x(t), y: 13, class: x(t) > right() - 30 ? "last" : "" }).textContent = words(t);
  }
}

function drawText({ node, a, b, room, only, width: wide }) {
  const start = Math.max(x(a), LEFT), end = Math.min(x(b), right());
  const inside = end - start >= wide + 10;
  const beside = !inside && x(b) >= LEFT && Math.min(x(room), right()) - x(b) >= wide + 14;
  const place = inside ? "in" : beside ? "out" : "none";
  node.setAttribute("class", only && only !== place ? "none" : place);
  node.setAttribute("x", inside ? start + 7 : x(b) + 10);
}

function draw() {
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  find("#plot rect", svg).setAttribute("width", right() - LEFT + 4);
  drawAxis();
  for (const piece of pieces) {
    const { node, kind, a, b, least } = piece;
    if (kind === "text") {
      drawText(piece);
    } else if (kind === "rect") {
      // What is far outside stays near: some browsers dislike great numbers.
      const start = Math.max(x(a), -100), end = Math.min(x(b), width + 100);
      node.setAttribute("x", x(a) > width + 100 ? width + 100 : start);
      node.setAttribute("width", Math.max(end - start, x(b) < -50 ? 0 : least));
    } else {
      node.setAttribute("x1", Math.max(x(a), -100));
      node.setAttribute("x2", Math.min(Math.max(x(b), -100), width + 100));
    }
  }
}

let isWaiting = false;
function drawSoon() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => { isWaiting = false; draw(); });
}

function view(a, b) {
  const span = Math.min(Math.max(b - a, LEAST_MS), TO - FROM);
  from = Math.min(Math.max(FROM, a + (b - a - span) / 2), TO - span);
  to = from + span;
  drawSoon();
}

function zoom(factor, at = (from + to) / 2) {
  view(at - (at - from) * factor, at + (to - at) * factor);
}

function pan(part) {
  const by = (to - from) * part;
  view(from + by, to + by);
}

function fit() {
  const wide = Math.max(find(".plot").clientWidth, 640);
  if (wide !== width) { width = wide; draw(); }
}

// -- What a mark says ---------------------------------------------------------

const tip = find(".tip");
const lanes = all(".lane", svg).map((lane) => all(".mark", lane)).filter((marks) => marks.length);
for (const marks of lanes) {
  marks.forEach((mark, i) => {
    const title = find("title", mark);
    mark.setAttribute("aria-label", title.textContent);
    title.remove(); // Ours comes at once, and to the keyboard too.
    mark.setAttribute("tabindex", i === 0 ? 0 : -1);
  });
}

function say(mark) {
  tip.textContent = mark.getAttribute("aria-label");
  tip.hidden = false;
  const day = find(".day").getBoundingClientRect(), box = find(".bar", mark).getBoundingClientRect();
  const plot = svg.getBoundingClientRect(), least = plot.left + LEFT * plot.width / width;
  const middle = Math.min(Math.max(box.left, least) - day.left, day.width - tip.offsetWidth);
  tip.style.left = Math.max(0, middle) + "px";
  tip.style.top = box.bottom - day.top + 8 + "px";
}

const markOf = (event) => event.target.closest && event.target.closest(".mark");
svg.addEventListener("pointerover", (event) => markOf(event) && say(markOf(event)));
svg.addEventListener("pointerout", () => { tip.hidden = true; });
svg.addEventListener("focusin", (event) => {
  const mark = markOf(event);
  if (!mark) return;
  for (const marks of lanes)
    if (marks.includes(mark)) for (const one of marks) one.setAttribute("tabindex", one === mark ? 0 : -1);
  const { a, b } = timesOf(mark);
  if (b < from || a > to) { view(a - (to - from) / 2, a + (to - from) / 2); draw(); }
  say(mark);
});
svg.addEventListener("focusout", () => { tip.hidden = true; });
svg.addEventListener("click", (event) => markOf(event) && goTo(+markOf(event).dataset.i, false));
svg.addEventListener("dblclick", (event) => markOf(event) && zoomTo(markOf(event)));

function timesOf(mark) {
  const { a, b } = find(".bar", mark).dataset;
  return { a: +a, b: +b };
}

function zoomTo(mark) {
  const { a, b } = timesOf(mark), around = Math.max((b - a) * 0.15, 50);
  view(a - around, b + around);
}

svg.addEventListener("wheel", (event) => {
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    if (to - from >= TO - FROM) return;
    pan((event.deltaX || event.deltaY) / 1000);
  } else {
    // At its widest, the wheel scrolls the page on.
    if (event.deltaY > 0 && to - from >= TO - FROM) return;
    const box = svg.getBoundingClientRect();
    const at = from + ((event.clientX - box.left) * width / box.width - LEFT) / scale();
    zoom(Math.exp(event.deltaY / 500), Math.min(Math.max(at, from), to));
  }
  event.preventDefault();
}, { passive: false });

const KEYS = {
  "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), "0": () => view(FROM, TO),
  ArrowLeft: (mark) => mark ? step(mark, -1, 0) : pan(-0.2), ArrowRight: (mark) => mark ? step(mark, 1, 0) : pan(0.2),
  ArrowUp: (mark) => mark && step(mark, 0, -1), ArrowDown: (mark) => mark && step(mark, 0, 1),
  Enter: (mark) => mark && zoomTo(mark), Escape: () => { tip.hidden = true; },
};

// To the next mark of a lane, or to the mark of another lane nearest in time.
function step(mark, along, across) {
  const lane = lanes.findIndex((marks) => marks.includes(mark));
  const other = lanes[lane + across];
  if (!other) return;
  const at = timesOf(mark).a;
  const next = across === 0 ? other[other.indexOf(mark) + along]
    : other.reduce((best, one) => Math.abs(timesOf(one).a - at) < Math.abs(timesOf(best).a - at) ? one : best);
  if (next) next.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, table")) return;
  const mark = event.target.closest(".mark"), key = KEYS[event.key];
  if (!key || (event.key === "Enter" && !mark) || (/Up|Down/.test(event.key) && !mark)) return;
  key(mark);
  event.preventDefault();
});

const TOOLS = { in: () => zoom(0.6), out: () => zoom(1 / 0.6), all: () => view(FROM, TO) };
for (const button of all("[data-do]")) button.addEventListener("click", TOOLS[button.dataset.do]);

// The mark of an entry, or of those that it was drawn together with.
function markAt(entry) {
  let best = null;
  for (const mark of lanes.flat()) {
    const i = +mark.dataset.i;
    if (i === entry && !mark.classList.contains("band")) return mark;
    if (i <= entry && (!best || i > +best.dataset.i)) best = mark;
  }
  return best;
}

for (const button of all(".show")) {
  button.addEventListener("click", () => {
    const mark = markAt(+button.dataset.i);
    find(".day").scrollIntoView({ block: "start" });
    if (mark) mark.focus({ preventScroll: true });
  });
}

// -- The table ----------------------------------------------------------------

const data = JSON.parse(find("#data").textContent);
const LEVELS = ["debug", "info", "warn", "error"], PAGE = 400;
const rows = data.rows.map((values) => {
  const row = Object.fromEntries(data.columns.map((key, i) => [key, values[i]]));
  row.rank = LEVELS.indexOf(row.level);
  row.text = [row.what, row.state, row.script, row.task, row.name, row.where, row.rule, row.why].join(" ").toLowerCase();
  return row;
});
const form = find(".filter"), body = find("tbody"), more = find(".more");
let shown = [], drawn = 0;

const seconds = (ms) => (ms / 1000).toFixed(3) + " s";

function draw_row(row) {
  const tr = document.createElement("tr");
  const cell = (text) => { tr.insertCell().textContent = text === null ? "" : text; };
  tr.className = row.level;
  tr.dataset.i = row.entry;
  cell(seconds(row.t));
  cell(row.state);
  cell(row.what);
  cell(row.name !== null ? row.name : row.task !== null ? "#" + row.task : null);
  cell(row.where);
  cell(row.rule ? `${row.rule}: ${row.why}` : row.why);
  if (row.count > 1) {
    const times = document.createElement("span");
    times.className = "times";
    times.textContent = `${row.why ? "  " : ""}(${row.count} times, until ${seconds(row.until)})`;
    tr.lastChild.append(times);
  }
  return tr;
}

function draw_more() {
  body.append(...shown.slice(drawn, drawn + PAGE).map(draw_row));
  drawn = Math.min(drawn + PAGE, shown.length);
  more.hidden = drawn === shown.length;
  more.textContent = `Show more: ${shown.length - drawn} are left`;
}

function filter() {
  const wanted = form.words.value.toLowerCase().split(/\s+/).filter(Boolean), least = +form.level.value;
  shown = rows.filter((row) => row.rank >= least && wanted.every((word) => row.text.includes(word)));
  body.textContent = "";
  drawn = 0;
  draw_more();
  find(".count").textContent = `${shown.length} of ${rows.length} rows`
    + (data.skipped ? `; the oldest ${data.skipped} are not on this page` : "");
}

function goTo(entry) {
  let at = shown.findIndex((row) => entry >= row.entry && entry < row.entry + row.count);
  if (at < 0) { // It is filtered out.
    form.words.value = "";
    form.level.value = "0";
    filter();
    at = shown.findIndex((row) => entry >= row.entry && entry < row.entry + row.count);
  }
  if (at < 0) return;
  while (drawn <= at) draw_more();
  for (const one of all("tr.at")) one.classList.remove("at");
  body.rows[at].classList.add("at");
  body.rows[at].scrollIntoView({ block: "nearest" });
}

form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", draw_more);
for (const node of [find(".tools"), form, find("table")]) node.hidden = false;
if (!rows.some((row) => row.rank > 0)) form.level.value = "0";
filter();
fit();
draw();
addEventListener("resize", fit);
document.documentElement.dataset.drawn = `${lanes.length} lanes, ${lanes.flat().length} marks, ${drawn} rows`;
