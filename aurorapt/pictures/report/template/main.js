// The page follows its address: filters, the order of tables, and the night that is open.

const EVENT_TABLE = new SortedTable(byId("events-table"), {
  caption: "Events", columns: EVENT_COLUMNS, key: "sort", linked: "event_id", nightOf: (event) => event.night,
  empty: "No such event.",
});
const NIGHT_TABLE = new SortedTable(byId("nights-table"), {
  caption: "Camera-nights", columns: NIGHT_COLUMNS, key: "order", linked: "date", nightOf: (night) => night,
  empty: "No such camera-night.",
});
let shownState = null;

function follow() {
  const state = readState(), before = shownState;
  const differs = (...names) => !before || names.some((name) => String(state[name]) !== String(before[name]));
  shownState = state;
  const filtered = differs("sites", "from", "to", "class", "min");
  if (filtered) {
    showFilters(state);
    showNotes(state);
    showCalendar(state);
  }
  if (filtered || differs("sort", "order")) showTables(state);
  if (differs("night", "class")) showNight(state.night, state, differs("night")).catch(giveUp);
  if (before?.night && !state.night) returnFocus(before.night);
}

function showTables(state) {
  const nights = NIGHTS.filter((night) => withinFilter(night, state) && nightWanted(night, state));
  const events = EVENTS.filter((event) => eventWanted(event, state) && withinFilter(event.night, state));
  EVENT_TABLE.show(events, state.sort);
  NIGHT_TABLE.show(nights, state.order);
  const hours = nights.reduce((sum, night) => sum + night.hours, 0);
  const minutes = nights.reduce((sum, night) => sum + (minutesOf(night, state.class) ?? 0), 0);
  byId("events-heading").textContent = `Events of ${className(state.class)}`;
  byId("shown").textContent = `${nights.length.toLocaleString("en")} of ${counted(NIGHTS.length, "camera-night")}: `
    + `${fixed(hours, 1)} h observed, ${fixed(minutes / 60, 1)} h of ${className(state.class)} expected, ${counted(events.length, "event")}`;
  byId("download-events").disabled = !events.length;
  byId("download-nights").disabled = !nights.length;
}

function showFilters(state) {
  for (const box of byId("site-boxes").querySelectorAll("input")) box.checked = !state.sites.length || state.sites.includes(box.value);
  byId("site-choice").textContent = state.sites.length ? shortened(state.sites.join(", ")) : "all";
  byId("from").value = state.from;
  byId("to").value = state.to;
  byId("class").value = state.class;
  byId("min").value = String(state.min);
}

function setUpFilters() {
  const boxes = [...INDEX.sites].sort().map((site) => element("label", {},
    element("input", {type: "checkbox", value: site, onchange: chooseSites}), ` ${shortened(site)}`));
  byId("site-boxes").replaceChildren(...boxes);
  byId("class").replaceChildren(...INDEX.classes.map((name) => element("option", {value: name}, className(name))));
  const days = NIGHTS.map((night) => night.day).filter(Boolean).sort();
  for (const name of ["from", "to"]) {
    Object.assign(byId(name), {min: days[0] ?? "", max: days.at(-1) ?? ""});
    byId(name).addEventListener("change", () => go({[name]: byId(name).value}));
  }
  byId("class").addEventListener("change", () => go({class: byId("class").value}));
  byId("min").min = String(RULE_MINUTES);
  byId("min").addEventListener("change", () => go({min: Math.max(Number(byId("min").value), RULE_MINUTES)}));
  byId("all-sites").addEventListener("click", () => go({sites: []}));
  byId("reset").addEventListener("click", () => go({sites: [], from: "", to: "", class: DEFAULT_CLASS, min: RULE_MINUTES}));
  byId("filter-form").addEventListener("submit", (submission) => submission.preventDefault());
  byId("close").addEventListener("click", () => go({night: ""}));
  byId("night").addEventListener("keydown", (press) => { if (press.key === "Escape") go({night: ""}); });
  byId("download-events").addEventListener("click", () => download("events.csv", EVENT_COLUMNS, EVENT_TABLE.rows));
  byId("download-nights").addEventListener("click", () => download("camera_nights.csv", NIGHT_COLUMNS, NIGHT_TABLE.rows));
}

function chooseSites() {
  const boxes = [...byId("site-boxes").querySelectorAll("input")];
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  go({sites: chosen.length === boxes.length ? [] : chosen});
}

// After a night is closed: to where it was opened from.
function returnFocus(id) {
  const night = NIGHT_OF_ID.get(id);
  const one = seasons.find((candidate) => candidate.rows.some((row) => row.nights.includes(night)));
  if (!one) return;
  const row = one.rows.findIndex((candidate) => candidate.nights.includes(night));
  one.pointed = {row, place: one.rows[row].nights.indexOf(night)};
  one.plot.focus();
}

// All seasons, in dark on white, as wide as a sheet; the browser does not wait for what is not drawn at once.
function layOut(begins) {
  onPaper = begins;
  if (begins) for (const one of seasons) one.drawn = true;
  redraw();
}

function redraw() {
  for (const one of seasons) if (one.drawn) drawSeason(one);
  if (seasons.length) showLegend(seasons[0].state, seasons[0].limits);
  if (drawnNight) drawNight(drawnNight.night, drawnNight.minutes, shownState);
}

function giveUp(error) {
  byId("summary").textContent = `This page could not be drawn: ${error.message}. It needs a browser of 2023 or later.`;
  throw error;
}

function tellWhole() {
  const days = NIGHTS.map((night) => night.day).filter(Boolean).sort();
  const sites = new Set(NIGHTS.map((night) => night.site)).size;
  const span = days[0] === days.at(-1) ? days[0] ?? "" : `${days[0]} to ${days.at(-1)}`;
  for (const part of ["filters", "legend", "events", "nights"]) byId(part).hidden = !NIGHTS.length;
  byId("summary").textContent = NIGHTS.length
    ? `${counted(NIGHTS.length, "camera-night")} of ${counted(sites, "site")}, ${span} (UT)`
    : "No results yet. When aurorapt classify has written some, run aurorapt report again.";
}

async function start() {
  await loadEvents();
  tellWhole();
  setUpFilters();
  showFilters(readState());
  showTables(readState());
  showProblems();
  showWeights();
  await new Promise((done) => { setTimeout(done); }); // what needs no chart is there to read already
  await loadPlotly();
  follow();
  addEventListener("hashchange", follow);
  DARK.addEventListener("change", redraw);
  addEventListener("beforeprint", () => layOut(true));
  addEventListener("afterprint", () => layOut(false));
  document.body.dataset.ready = "true";
}

start().catch(giveUp);
