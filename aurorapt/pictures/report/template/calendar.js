// The calendar: a chart a season, sites from north to south, a cell a night, drawn when it comes into view.

const ROW_HEIGHT = 19, CALENDAR_MARGIN = {l: 62, r: 8, t: 4, b: 24};
const MINUTES_PART = [0.06, 0.64], HOURS_PART = [0.68, 0.9]; // of a row's height, from its top
const MONTH_TICKS = {dtick: "M1", tickformat: "%b %Y", ticklabelmode: "period"};
const DAY_TICKS = {tickformat: "%-d %b", nticks: 16};
const OUT_OF_SIGHT = new IntersectionObserver(drawVisible, {rootMargin: "300px"});
let seasons = [];

function seasonOf(day) {
  const [year, month] = day.split("-").map(Number);
  return month >= 7 ? year : year - 1;
}

function seasonName(year) {
  return `${year}–${String((year + 1) % 100).padStart(2, "0")}`;
}

function northFirst(one, other) {
  const latitude = (row) => INDEX.site_facts[row.site]?.[1] ?? -90;
  return latitude(other) - latitude(one) || (one.name < other.name ? -1 : 1);
}

// Rows are sites; where one has two cameras on some date of the season, its cameras.
function rowsOf(nights) {
  const seen = new Map(), doubled = new Set();
  for (const night of nights) {
    const key = `${night.day} ${night.site}`;
    if (seen.has(key) && seen.get(key) !== night.camera) doubled.add(night.site);
    seen.set(key, night.camera);
  }
  const rows = new Map();
  for (const night of nights) {
    const name = doubled.has(night.site) ? night.camera : night.site;
    if (!rows.has(name)) rows.set(name, {name, site: night.site, nights: []});
    rows.get(name).nights.push(night);
  }
  return [...rows.values()].sort(northFirst);
}

function describe(night, state) {
  const fact = INDEX.site_facts[night.site];
  const where = `${night.site}${fact ? ` (${fact[0]})` : ""} ${night.day}`;
  if (night.faults.some((fault) => fault.file.endsWith("_classifications.txt"))) return `${where}: file not used`;
  if (!night.frames) return `${where}: no frames`;
  const minutes = minutesOf(night, state.class);
  const kind = minutes === null ? `class ${className(state.class)} unknown` : `${fixed(minutes, 0)} min ${className(state.class)}`;
  const faded = nightWanted(night, state) ? "" : `, no event of ${state.min} min`;
  return `${where}: ${kind} in ${fixed(night.hours, 1)} h observed${faded}`;
}

function showCalendar(state) {
  const shown = NIGHTS.filter((night) => night.day && withinFilter(night, state));
  const byYear = new Map();
  for (const night of shown) {
    const year = seasonOf(night.day);
    if (!byYear.has(year)) byYear.set(year, []);
    byYear.get(year).push(night);
  }
  const limits = {...calendarLimits(state), months: monthsOf(shown)};
  OUT_OF_SIGHT.disconnect();
  seasons = [...byYear].sort(([one], [other]) => other - one).map(([year, nights]) => season(year, nights, state, limits));
  byId("seasons").replaceChildren(...seasons.map((one) => one.figure));
  if (!seasons.length) byId("seasons").append(element("p", {class: "empty"}, emptyText()));
  for (const one of seasons) OUT_OF_SIGHT.observe(one.plot);
  showLegend(state, limits);
  byId("pointed").textContent = "";
  byId("calendar-help").hidden = !seasons.length;
}

function emptyText() {
  return NIGHTS.length ? "No camera-night fits what is asked for." : "This folder holds no results yet.";
}

function calendarLimits(state) {
  const most = Math.max(60, ...NIGHTS.map((night) => minutesOf(night, state.class) ?? 0));
  return {minutes: Math.ceil(most / 60) * 60, hours: Math.max(1, Math.ceil(Math.max(0, ...NIGHTS.map((night) => night.hours))))};
}

// The months, counted from July, between which any season has nights: all seasons are drawn on the same ones.
function monthsOf(nights) {
  const months = nights.map((night) => (Number(night.day.slice(5, 7)) + 5) % 12);
  return {first: Math.min(...months, 11), end: Math.max(...months, 0) + 1};
}

function season(year, nights, state, limits) {
  const rows = rowsOf(nights);
  const height = seasonHeight(rows);
  const name = seasonName(year);
  const plot = element("div", {
    class: "season-plot", tabindex: "0", role: "application", style: `height:${height}px`,
    "aria-label": `Season ${name}, ${counted(nights.length, "camera-night")}: arrow keys move between nights, Enter opens`,
    "aria-describedby": "pointed",
  });
  const total = nights.reduce((sum, night) => sum + (minutesOf(night, state.class) ?? 0), 0);
  const hours = nights.reduce((sum, night) => sum + night.hours, 0);
  const caption = element("figcaption", {}, element("strong", {}, name),
    ` ${counted(nights.length, "camera-night")}, ${fixed(hours, 0)} h observed, ${fixed(total / 60, 0)} h of ${className(state.class)}`);
  const figure = element("figure", {class: "season"}, caption, element("div", {class: "scroller"}, plot));
  const one = {year, rows, state, limits, plot, figure, drawn: false, pointed: null};
  for (const row of rows) row.nights.sort((first, second) => first.start - second.start);
  plot.addEventListener("click", (click) => openAt(one, click));
  plot.addEventListener("keydown", (press) => moveIn(one, press));
  plot.addEventListener("focus", () => point(one, one.pointed ?? firstPlace(one)));
  plot.addEventListener("blur", () => drawCursor(one, null));
  return one;
}

function seasonHeight(rows) {
  return rows.length * ROW_HEIGHT + CALENDAR_MARGIN.t + CALENDAR_MARGIN.b;
}

function drawVisible(entries) {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    const one = seasons.find((candidate) => candidate.plot === entry.target);
    if (one && !one.drawn) drawSeason(one);
  }
}

// From when, in ms, and for how many days a season is drawn.
function spanOf({year, limits: {months}}) {
  const start = Date.UTC(year, 6 + months.first, 1);
  return {start, days: (Date.UTC(year, 6 + months.end, 1) - start) / 86400000};
}

function drawSeason(one) {
  const {rows, state, limits, plot} = one, {start, days} = spanOf(one);
  const matrix = () => Array.from({length: rows.length * 4}, () => new Array(days).fill(null));
  const minutes = matrix(), hours = matrix(), texts = matrix();
  rows.forEach((row, number) => {
    for (const night of row.nights) {
      const column = Math.round((night.start * 1000 - start) / 86400000);
      const text = plotText(describe(night, state));
      minutes[number * 4 + 1][column] = nightWanted(night, state) ? minutesOf(night, state.class) : null;
      hours[number * 4 + 3][column] = night.frames ? night.hours : null; // a file without frames is no data
      for (const part of [1, 3]) texts[number * 4 + part][column] = text;
    }
  });
  const edges = rows.flatMap((_, row) => [row, row + MINUTES_PART[0], row + MINUTES_PART[1], row + HOURS_PART[0]].map(lastOf(row)));
  const layer = (z, stops, zmax) => ({
    type: "heatmap", x0: start + 43200000, dx: 86400000, y: [...edges, rows.length - 1 + HOURS_PART[1]], z, zmin: 0, zmax,
    colorscale: scale(stops), showscale: false, hoverinfo: "text", text: texts, hoverongaps: false,
  });
  const {minutes: minuteStops, hours: hourStops} = colours();
  const traces = [layer(minutes, minuteStops, limits.minutes), layer(hours, hourStops, limits.hours)];
  one.drawn = true;
  plot.replaceChildren();
  Plotly.newPlot(plot, traces, seasonLayout(one, start, days), PLOT_OPTIONS);
}

// Plotly tells of no clicks on charts that cannot be dragged or zoomed.
function openAt(one, click) {
  const {l, r, t, b} = CALENDAR_MARGIN, box = one.plot.getBoundingClientRect(), {start, days} = spanOf(one);
  const column = Math.floor((click.clientX - box.left - l) / (box.width - l - r) * days);
  const row = Math.floor((click.clientY - box.top - t) / (box.height - t - b) * one.rows.length);
  const night = one.rows[row]?.nights.find((candidate) => candidate.start * 1000 === start + column * 86400000);
  if (night) go({night: night.id});
}

// The edge above a row's minutes is where the hours of the row before it end.
function lastOf(row) {
  return (edge, place) => (place === 0 && row > 0 ? row - 1 + HOURS_PART[1] : edge);
}

function seasonLayout(one, start, days) {
  const {ink, faint} = colours();
  const {rows} = one;
  return {
    ...baseLayout(seasonHeight(rows)),
    margin: CALENDAR_MARGIN, hovermode: "closest",
    xaxis: {
      type: "date", range: [start, start + days * 86400000], ...(days > 62 ? MONTH_TICKS : DAY_TICKS),
      gridcolor: faint, fixedrange: true, zeroline: false,
    },
    yaxis: {
      range: [rows.length, 0], tickvals: rows.map((_, row) => row + 0.48), ticktext: rows.map((row) => plotText(shortened(row.name, 9))),
      tickfont: {color: ink}, showgrid: false, zeroline: false, fixedrange: true,
    },
    shapes: [],
  };
}

function firstPlace(one) {
  const opened = NIGHT_OF_ID.get(readState().night);
  const row = one.rows.findIndex((candidate) => candidate.nights.includes(opened));
  return row < 0 ? {row: 0, place: 0} : {row, place: one.rows[row].nights.indexOf(opened)};
}

function moveIn(one, press) {
  const {row, place} = one.pointed ?? firstPlace(one);
  const night = one.rows[row].nights[place];
  const last = one.rows[row].nights.length - 1;
  const moves = {
    ArrowLeft: () => ({row, place: Math.max(place - 1, 0)}),
    ArrowRight: () => ({row, place: Math.min(place + 1, last)}),
    ArrowUp: () => nearest(one, row - 1, night),
    ArrowDown: () => nearest(one, row + 1, night),
    Home: () => ({row, place: 0}),
    End: () => ({row, place: last}),
  };
  if (press.key === "Enter" || press.key === " ") go({night: night.id});
  else if (moves[press.key]) point(one, moves[press.key]());
  else return;
  press.preventDefault();
}

function nearest(one, row, night) {
  const within = Math.min(Math.max(row, 0), one.rows.length - 1);
  const distances = one.rows[within].nights.map((candidate) => Math.abs(candidate.start - night.start));
  return {row: within, place: distances.indexOf(Math.min(...distances))};
}

function point(one, pointed) {
  one.pointed = pointed;
  byId("pointed").textContent = describe(one.rows[pointed.row].nights[pointed.place], one.state);
  drawCursor(one, pointed);
}

function drawCursor(one, pointed) {
  if (!one.drawn) return;
  const night = pointed && one.rows[pointed.row].nights[pointed.place];
  const half = 43200000, middle = night && night.start * 1000 + half;
  const shape = night && {
    type: "rect", x0: middle - 1.6 * half, x1: middle + 1.6 * half, y0: pointed.row, y1: pointed.row + 0.96,
    line: {color: colours().cursor, width: 2},
  };
  Plotly.relayout(one.plot, {shapes: shape ? [shape] : []});
}

function showLegend(state, limits) {
  const {minutes, hours} = colours();
  const bar = (stops, from, to) => element("span", {class: "scale"}, from,
    element("span", {class: "swatch", style: `background:${gradient(stops)}`}), to);
  byId("legend").replaceChildren(
    element("span", {}, `Upper part of a cell: minutes of ${className(state.class)} `,
      bar(minutes, "0", String(limits.minutes))),
    element("span", {}, "Lower part: hours observed ", bar(hours, "0", String(limits.hours))),
    element("span", {}, element("span", {class: "swatch nothing"}), " empty: no data"),
    ...(state.min > RULE_MINUTES ? [element("span", {}, `Upper part empty: observed, but no event of ${state.min} min`)] : []),
  );
}
