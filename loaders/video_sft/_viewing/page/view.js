"use strict";
// All text of rows goes through `textContent`: nothing that a row holds is ever read as HTML.

const byId = (id) => document.getElementById(id);
const PLACES = new Set(["split", "q", "page", "row"]);
let about = null, shown = null, player = null, narrow = false, upstreamWanted = false;

function make(tag, settings = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...inside.filter((each) => each !== null && each !== undefined));
  return made;
}

async function ask(path) {
  const answer = await fetch(path);
  const told = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Error(told.error || `the server answered ${answer.status}`);
  return told;
}

// What is looked at is in the address, behind the #, so that "back", reloading and bookmarks work.
const place = () => new URLSearchParams(location.hash.slice(1));
function go(changes, keep = true) {
  const next = keep ? place() : new URLSearchParams();
  for (const [name, values] of Object.entries(changes)) {
    next.delete(name);
    for (const value of [values].flat()) if (value !== null && value !== "") next.append(name, value);
  }
  location.hash = next.toString();
}
const split = () => place().get("split") || about.splits[0];
const at = (number) => `${encodeURIComponent(split()).replaceAll("%2F", "/")}/${number}`;
const seconds = (value) => `${(Math.round(value * 100) / 100).toString()} s`;
const many = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

// The list.
let listed = "";
async function showList() {
  const asked = place();
  asked.delete("row");
  if (!asked.get("split")) asked.set("split", split());
  if (listed === asked.toString()) return mark();
  const key = (listed = asked.toString());
  byId("count").textContent = "Looking …";
  let found;
  try {
    found = await ask(`/api/rows?${asked}`);
  } catch (error) {
    listed = "";
    byId("count").textContent = error.message;
    byId("rows").replaceChildren();
    return;
  }
  if (key !== listed) return;
  shown = found;
  byId("split").value = split();
  byId("query").value = asked.get("q") || "";
  byId("count").textContent =
    found.total === found.all ? many(found.all, "row") : `${many(found.total, "row")} of ${found.all.toLocaleString("en")}`;
  byId("rows").replaceChildren(...found.rows.map(item));
  byId("pages").hidden = found.pages < 2;
  byId("page").value = found.page + 1;
  byId("page").max = found.pages;
  byId("of").textContent = `of ${found.pages.toLocaleString("en")}`;
  byId("before").disabled = found.page === 0;
  byId("after").disabled = found.page >= found.pages - 1;
  showFacets(found.facets, asked);
  byId("list").scrollTop = 0;
  mark();
}

function item(row) {
  const next = place();
  next.set("row", row.number);
  const still = row.medium
    ? make("img", { class: "still", src: `/thumb/${at(row.number)}`, alt: "", loading: "lazy", width: 80, height: 60 })
    : make("span", { class: "still" }, "no medium");
  still.addEventListener("error", () => still.replaceWith(make("span", { class: "still" }, "not readable")));
  const fate = row.fate
    ? make("small", { class: row.fate.what === "left out" ? "out" : "" }, [row.fate.what, row.fate.why].filter(Boolean).join(": "))
    : null;
  const link = make("a", { href: `#${next}` }, still,
    make("span", {}, make("span", { class: "words" }, row.words || "(no text)"),
      make("small", {}, [row.id, row.facts.task].filter(Boolean).join(" · ")), fate));
  link.dataset.row = row.number;
  return make("li", {}, link);
}

function mark() {
  const current = place().get("row");
  for (const link of byId("rows").querySelectorAll("a")) {
    if (link.dataset.row === current) {
      link.setAttribute("aria-current", "true");
      if (!narrow) link.scrollIntoView({ block: "nearest" });
    }
    else link.removeAttribute("aria-current");
    const next = place();
    next.set("row", link.dataset.row);
    link.href = `#${next}`;
  }
}

function showFacets(facets, asked) {
  const groups = Object.entries(facets).map(([name, values]) => {
    const chosen = new Set(asked.getAll(name));
    if (values.length < 2 && !chosen.size) return null;
    const boxes = values.map(({ value, rows }) => make("label", {},
      make("input", { type: "checkbox", name, value, checked: chosen.has(value), onchange: choose }),
      make("span", {}, value.replaceAll("_", " ")), make("output", {}, rows.toLocaleString("en"))));
    const more = boxes.length > 10 ? make("details", {}, make("summary", {}, `${boxes.length - 8} more`), ...boxes.slice(8)) : null;
    if (more && boxes.slice(8).some((box) => box.querySelector("input").checked)) more.open = true;
    return make("fieldset", {}, make("legend", {}, name.replaceAll("_", " ")), ...(more ? boxes.slice(0, 8) : boxes), more);
  }).filter(Boolean);
  const focused = document.activeElement;
  byId("facets").replaceChildren(...groups);
  if (focused && focused.name && focused.type === "checkbox") {
    const again = [...byId("facets").querySelectorAll("input")].find((box) => box.name === focused.name && box.value === focused.value);
    if (again) again.focus();
  }
  const count = [...asked.keys()].filter((name) => !PLACES.has(name)).length;
  byId("chosen").textContent = count ? `(${count} chosen)` : "";
  byId("clear").hidden = !count && !asked.get("q");
}

function choose(event) {
  const { name } = event.target;
  const values = [...byId("facets").querySelectorAll("input:checked")].filter((box) => box.name === name).map((box) => box.value);
  go({ [name]: values, page: null });
}

// One row.
let reading = "";
async function showRow() {
  const number = place().get("row");
  document.body.classList.toggle("reading", number !== null);
  const key = number === null ? "" : `${split()}/${number}`;
  if (key === reading) return;
  reading = key;
  if (player) player.stop();
  player = null;
  const detail = byId("detail");
  if (number === null) {
    detail.replaceChildren(make("p", { class: "quiet" }, "Choose a row."));
    return;
  }
  try {
    const row = await ask(`/api/row/${at(number)}`);
    if (key !== reading) return;
    detail.replaceChildren(...rowParts(row));
    document.title = `${row.id} – ${about.title}`;
    if (narrow) window.scrollTo(0, 0);
    else detail.scrollTop = 0;
    showMedium(row, key);
    if (upstreamWanted || !row.shared) showUpstream(row);
  } catch (error) {
    if (key === reading) detail.replaceChildren(back(), make("p", { class: "problem", role: "alert" }, error.message));
  }
}

const back = () => make("button", { type: "button", class: "back", onclick: () => go({ row: null }) }, "Back to the list");
const heading = (text) => make("h3", {}, text);

function rowParts(row) {
  const top = make("div", { class: "top" }, back(), make("h2", {}, row.id),
    make("button", { type: "button", onclick: () => step(-1), disabled: !neighbour(-1) }, "Previous"),
    make("button", { type: "button", onclick: () => step(1), disabled: !neighbour(1) }, "Next"));
  const parts = [top];
  if (row.fate) {
    const why = row.fate.why ? `: ${row.fate.why}` : "";
    parts.push(make("p", { class: `fate ${row.fate.times ? "" : row.fate.what === "left out" ? "left" : "spared"}` }, make("b", {}, row.fate.what), why,
      make("br"), make("small", {}, `part ${row.fate.part}: ${row.fate.share}`)));
  }
  parts.push(make("div", { class: "medium", id: "medium" }, make("p", { class: "quiet" }, row.medium ? "Opening the file …" : "This row has no video or image.")));
  parts.push(make("div", { id: "line" }));
  if (row.turns.length) parts.push(heading("Conversation"), ...row.turns.map(turn));
  if (row.options.length) {
    parts.push(heading("Options"), make("ol", { class: "options" }, ...row.options.map((option) =>
      make("li", { class: option.right ? "right" : "" }, option.text, option.right ? " ✓ the answer" : ""))));
    if (row.answer === null) parts.push(make("p", { class: "quiet" }, "The answer is withheld upstream."));
  } else if (row.answer !== null && row.answer !== undefined) parts.push(heading("Answer"), make("p", { class: "said" }, String(row.answer)));
  parts.push(heading("Facts"), factList({ row: row.number, ...row.facts }));
  const upstream = make("div", { id: "upstream" }, heading("Upstream's own fields"),
    make("button", { type: "button", onclick: () => { upstreamWanted = true; showUpstream(row); } }, "Show them"));
  parts.push(upstream);
  return parts;
}

function turn(said) {
  const parts = said.parts.map((part) => part.type === "text"
    ? make("div", { class: "said" }, part.text || "") : make("span", { class: "part" }, part.type));
  return make("div", { class: `turn ${["system", "user", "assistant"].includes(said.role) ? said.role : ""}` }, make("b", {}, said.role), ...parts);
}

function factList(facts) {
  const list = make("dl");
  for (const [name, value] of Object.entries(facts)) {
    if (value === null || value === undefined) continue;
    const text = typeof value === "object" ? laidOut(value, "") : String(value);
    list.append(make("dt", {}, name), make("dd", {}, text));
  }
  return list;
}

// JSON with a line for what fits into one.
function laidOut(value, before) {
  const whole = JSON.stringify(value);
  if (typeof value !== "object" || value === null || whole.length + before.length <= 90) return whole;
  const inner = `${before}  `;
  const lines = Array.isArray(value) ? value.map((each) => inner + laidOut(each, inner))
    : Object.entries(value).map(([name, each]) => `${inner}${JSON.stringify(name)}: ${laidOut(each, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${lines.join(",\n")}\n${before}${close}`;
}

async function showUpstream(row) {
  const key = reading, spot = byId("upstream");
  if (!spot) return;
  spot.replaceChildren(heading("Upstream's own fields"), make("p", { class: "quiet" }, "Reading them; the first time this takes a while …"));
  try {
    const found = await ask(`/api/upstream/${at(row.number)}`);
    if (key !== reading) return;
    spot.replaceChildren(heading("Upstream's own fields"),
      found.fields ? factList(found.fields) : make("p", { class: "quiet" }, "They are not to be had for these rows."));
    if (found.moments.length) {
      row.moments = [...row.moments.filter((moment) => moment.kind !== "graph"), ...found.moments];
      if (player) player.draw(); else drawLine(row, null);
    }
  } catch (error) {
    if (key === reading) spot.replaceChildren(heading("Upstream's own fields"), make("p", { class: "problem" }, error.message));
  }
}

// The medium, and the line of time under it.
async function showMedium(row, key) {
  const spot = byId("medium");
  if (!row.medium) return drawLine(row, null);
  if (row.medium === "image") {
    spot.replaceChildren(make("img", { src: `/image/${at(row.number)}`, alt: `The image of ${row.id}` }));
    return drawLine(row, null);
  }
  try {
    const medium = await ask(`/api/medium/${at(row.number)}`);
    if (key !== reading) return;
    player = new Player(row, medium, spot);
  } catch (error) {
    if (key !== reading) return;
    spot.replaceChildren(make("p", { class: "problem", role: "alert" }, error.message));
    drawLine(row, null);
  }
}

class Player {
  constructor(row, medium, spot) {
    Object.assign(this, { row, medium, spot, tries: 0, whole: false, limits: [medium.begin, medium.end] });
    this.build();
  }

  build() {
    const { row, medium } = this, anew = this.tries ? "?anew=1" : "";
    if (this.video) this.stop();
    this.video = make("video", { controls: true, preload: "metadata", playsInline: true, "aria-label": `The clip of ${row.id}` });
    if (medium.way !== "direct") this.video.poster = `/sheet/${at(row.number)}`;
    const own = medium.end - medium.begin < medium.fileEnd - medium.fileBegin - 0.01;
    const whole = own && medium.way !== "converted" ? make("label", {}, make("input", { type: "checkbox", checked: this.whole,
      onchange: (event) => { this.whole = event.target.checked; this.limits = this.bounds(); } }), " the whole file") : null;
    this.again = make("input", { type: "checkbox" });
    const clip = make("button", { type: "button", onclick: () => this.play(...this.bounds()) }, own ? "Play the clip" : "Play");
    this.clock = make("output", {}, "");
    const told = [medium.facts];
    if (medium.way !== "direct") told.push(medium.way === "repacked" ? "in another container, for the browser" : "converted for the browser, smaller");
    if (medium.cut) told.push(`only its first ${medium.cut} s`);
    this.frames = make("details", { ontoggle: (event) => {
      if (event.target.open && !event.target.querySelector("img")) event.target.append(make("img", {
        src: `/sheet/${at(row.number)}`, alt: `Frames of the clip of ${row.id} with their times` }));
    } }, make("summary", {}, "Frames"));
    this.status = make("p", { class: "quiet", role: "status" }, medium.way === "converted" ? "Being converted …" : "");
    this.spot.replaceChildren(this.video, make("div", { class: "controls" }, clip, make("label", {}, this.again, " repeat"), whole, this.clock),
      make("small", { class: "quiet" }, told.join(" · ")), this.status, this.frames);
    const first = () => { this.status.textContent = ""; this.seek(this.limits[0]); this.tick(); };
    this.video.addEventListener("loadedmetadata", first, { once: true });
    this.video.addEventListener("error", () => this.failed());
    this.video.addEventListener("play", () => { if (this.outside()) this.seek(this.limits[0]); this.follow(); });
    this.video.addEventListener("seeking", () => this.clamp());
    this.video.addEventListener("timeupdate", () => this.tick());
    this.video.src = `/video/${at(row.number)}${anew}`;
    this.draw();
  }

  get now() { return this.video.currentTime + this.medium.offset; }
  bounds() { return this.whole ? [this.medium.fileBegin, this.medium.fileEnd] : [this.medium.begin, this.medium.end]; }
  outside() { return this.now < this.limits[0] - 0.05 || this.now >= this.limits[1] - 0.03; }
  seek(time) { this.video.currentTime = Math.max(0, time - this.medium.offset); }

  clamp() {
    const [begin, end] = this.bounds();
    if (this.now < this.limits[0] - 0.05 || this.now > this.limits[1] + 0.05) this.limits = [begin, end];
    if (this.now < begin - 0.05) this.seek(begin);
    else if (this.now > end + 0.05) this.seek(end);
  }

  play(begin, end) {
    this.limits = [begin, end];
    this.seek(begin);
    this.video.play().catch(() => {});
  }

  follow() {
    this.tick();
    if (this.video.paused || this.video.ended) return;
    if (this.now >= this.limits[1]) {
      if (this.again.checked) this.seek(this.limits[0]);
      else { this.video.pause(); this.seek(this.limits[1]); return; }
    }
    requestAnimationFrame(() => this.follow());
  }

  tick() {
    this.clock.textContent = `at ${this.now.toFixed(1)} s of the file`;
    if (this.head) this.head.style.left = `${100 * Math.min(1, Math.max(0, this.share(this.now)))}%`;
  }

  async failed() {
    if (this.tries || this.medium.way === "converted") {
      const told = await fetch(this.video.src).then((answer) => (answer.ok ? {} : answer.json())).catch(() => ({}));
      this.status.textContent = `The browser cannot play this video${told.error ? `: ${told.error}` : ""}. These are frames of it:`;
      this.frames.open = true;
      this.video.hidden = true;
      return;
    }
    this.tries = 1;
    const key = reading;
    const medium = await ask(`/api/medium/${at(this.row.number)}?anew=1`).catch(() => null);
    if (key !== reading || !medium) return;
    this.medium = medium;
    this.limits = [medium.begin, medium.end];
    this.build();
  }

  draw() {
    const line = drawLine(this.row, this);
    if (line) [this.head, this.share] = line;
  }

  stop() {
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}

function drawLine(row, playing) {
  const spot = byId("line"), medium = playing && playing.medium;
  const start = row.facts.start_seconds, stop = row.facts.stop_seconds;
  const clip = medium ? [medium.begin, medium.end] : start !== undefined || stop !== undefined ? [start || 0, stop === undefined ? null : stop] : null;
  const ends = [...row.moments.flatMap((moment) => [moment.start, moment.stop]), ...(clip || [])].filter((value) => typeof value === "number");
  if (!medium && !ends.length) { spot.replaceChildren(); return null; }
  const from = medium ? Math.min(medium.fileBegin, ...ends) : 0, to = Math.max(medium ? medium.fileEnd : 0, ...ends, from + 0.1);
  const share = (time) => (time - from) / (to - from);
  const button = (kind, begin, end, label) => {
    const made = make("button", { type: "button", class: kind, title: label, "aria-label": `${label}${playing ? ": play" : ""}`,
      disabled: !playing, onclick: () => playing.play(begin, end) });
    made.style.left = `${100 * share(begin)}%`;
    if (kind !== "graph") made.style.width = `${100 * Math.max(0, share(end) - share(begin))}%`;
    return made;
  };
  const lane = (name, ...inside) => make("div", { class: "lane" }, make("span", {}, name), make("div", { class: "track" }, ...inside));
  const limits = (begin, end) => `${seconds(begin)} to ${seconds(end)}`;
  const ending = (moment) => (moment.stop !== null ? moment.stop : Math.min(to, moment.start + 1));
  const lanes = [];
  if (clip) lanes.push(lane("clip", button("clip", clip[0], clip[1] ?? to, `clip ${limits(clip[0], clip[1] ?? to)}`)));
  for (const kind of ["evidence", "graph"]) {
    const own = row.moments.filter((moment) => moment.kind === kind);
    if (own.length) lanes.push(lane(kind, ...own.map((moment) => button(kind, moment.start, ending(moment),
      kind === "graph" ? `graph at ${seconds(moment.start)} ${moment.text}` : `evidence ${limits(moment.start, ending(moment))}`))));
  }
  const head = make("div", { class: "head" });
  const scale = make("div", { class: "lane" }, make("span"), make("div", { class: "scale" },
    ...[0, 0.25, 0.5, 0.75, 1].map((part) => make("span", {}, seconds(Math.round((from + part * (to - from)) * 10) / 10)))));
  if (playing && lanes.length) lanes[0].querySelector(".track").append(head);
  const list = row.moments.length ? make("ul", { class: "moments" }, ...row.moments.map((moment) => make("li", {},
    make("button", { type: "button", disabled: !playing, onclick: () => playing.play(moment.start, ending(moment)) },
      moment.stop === null ? seconds(moment.start) : limits(moment.start, moment.stop)),
    make("span", {}, moment.kind === "graph" ? `graph: ${moment.text || "nothing stated"}` : "evidence of the answer")))) : null;
  spot.replaceChildren(make("div", { class: "line", role: "group", "aria-label": "Line of time" }, ...lanes, scale), ...(list ? [list] : []));
  return [head, share];
}

// Going from row to row.
function neighbour(by) {
  if (!shown) return null;
  const current = shown.rows.findIndex((row) => String(row.number) === place().get("row"));
  const next = current + by;
  if (current >= 0 && shown.rows[next]) return { row: shown.rows[next].number };
  if (current < 0) return shown.rows.length ? { row: shown.rows[0].number } : null;
  const page = shown.page + by;
  return page >= 0 && page < shown.pages ? { page, end: by < 0 } : null;
}

async function step(by) {
  const next = neighbour(by);
  if (!next) return;
  if (next.row !== undefined) return go({ row: next.row });
  const asked = place();
  asked.set("page", next.page);
  asked.delete("row");
  const found = await ask(`/api/rows?${asked}`);
  const row = found.rows[next.end ? found.rows.length - 1 : 0];
  if (row) go({ page: next.page, row: row.number });
}

async function show() {
  await showList();
  await showRow();
}

async function begin() {
  const wide = matchMedia("(max-width: 1050px)"), small = matchMedia("(max-width: 700px)");
  const adapt = () => { narrow = small.matches; byId("filters").open = !wide.matches; };
  wide.addEventListener("change", adapt);
  small.addEventListener("change", adapt);
  adapt();
  try {
    about = await ask("/api/about");
  } catch (error) {
    byId("count").textContent = error.message;
    return;
  }
  byId("title").textContent = document.title = about.title;
  byId("notice").textContent = about.notice;
  byId("notice").hidden = !about.notice;
  byId("report").hidden = !about.mixture;
  byId("split").replaceChildren(...about.splits.map((name) => make("option", { value: name }, name)));
  byId("split").addEventListener("change", (event) => go({ split: event.target.value }, false));
  byId("search").addEventListener("submit", (event) => { event.preventDefault(); go({ q: byId("query").value, page: null, row: null }); });
  byId("clear").addEventListener("click", () => go({ split: split() }, false));
  byId("before").addEventListener("click", () => go({ page: shown.page - 1 }));
  byId("after").addEventListener("click", () => go({ page: shown.page + 1 }));
  byId("page").addEventListener("change", (event) => go({ page: Math.max(1, Number(event.target.value) || 1) - 1 }));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, textarea, video")) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/") { event.preventDefault(); byId("query").focus(); }
  });
  window.addEventListener("hashchange", show);
  await show();
}

begin();
