// One camera-night: its chart, and in words what it was made of.

let drawnNight = null, opening = 0; // drawnNight : {night, minutes}

async function showNight(id, state, comeIntoView) {
  const turn = ++opening;
  const night = NIGHT_OF_ID.get(id);
  byId("night").hidden = !id;
  drawnNight = null;
  if (!id) return;
  byId("night-note").hidden = Boolean(night);
  byId("night-text").replaceChildren();
  byId("night-legend").replaceChildren();
  Plotly.purge(byId("night-chart"));
  byId("night-chart").replaceChildren();
  nameNight(night, id);
  if (comeIntoView) {
    byId("night").scrollIntoView();
    byId("night-heading").focus({preventScroll: true});
  }
  if (!night) return;
  const minutes = await loadMinutes(night);
  if (turn !== opening) return; // another one was opened meanwhile
  drawnNight = {night, minutes};
  drawNight(night, minutes, state);
  tellNight(night, minutes);
}

function nameNight(night, id) {
  const fact = night && INDEX.site_facts[night.site];
  byId("night-heading").textContent = night
    ? `${fact ? `${fact[0]} (${night.site})` : night.site}, ${night.day || night.name} UT`
    : "No such night";
  byId("night-note").textContent = `This report has no camera-night ${id}.`;
  for (const [button, other] of [["earlier", neighbour(night, -1)], ["later", neighbour(night, 1)]]) {
    byId(button).disabled = !other;
    byId(button).onclick = () => go({night: other.id});
  }
}

function neighbour(night, step) {
  if (!night) return undefined;
  const own = NIGHTS.filter((candidate) => candidate.camera === night.camera);
  return own[own.indexOf(night) + step];
}

// Events with a part in a night, also those that began the day before.
function eventsIn(night) {
  if (night.start === null) return night.events;
  const near = [neighbour(night, -1), night].filter(Boolean).flatMap((one) => one.events);
  return near.filter((event) => event.startSecond < night.start + DAY && event.startSecond + event.seconds > night.start)
    .sort((one, other) => one.startSecond - other.startSecond);
}

function drawNight(night, minutes, state) {
  const chart = byId("night-chart");
  chart.hidden = byId("night-legend").hidden = !minutes.times.length;
  if (!minutes.times.length) return;
  const image = thumbnailOf(night);
  const panels = nightPanels(Boolean(image));
  const traces = [
    ...ribbons(night, minutes, panels.ribbons.axis),
    ...framesByClass(night, minutes, panels.frames.axis),
    ...probabilityLines(night, minutes, state, panels.probability.axis),
    ...eventBars(night, panels.events.axis),
  ];
  byId("night-legend").replaceChildren(
    ...night.classes.map((name) => element("span", {}, swatch(name), className(name))), element("span", {}, "hatched events: doubtful"));
  chart.style.height = `${panels.height}px`;
  chart.setAttribute("aria-label", `Chart of the night: ${describe(night, state)}. What it shows is told in words below.`);
  Plotly.newPlot(chart, traces, nightLayout(night, minutes, panels, image), PLOT_OPTIONS);
}

// Panels from the top down, each with its axis of plotly.js and its part of the height.
function nightPanels(withImage) {
  const wanted = [["image", withImage ? 92 : 0], ["ribbons", 52], ["frames", 84], ["probability", 130], ["events", 64]];
  const gap = 18, top = 8, bottom = 40;
  const inner = wanted.reduce((sum, [, size]) => sum + (size ? size + gap : 0), -gap);
  const panels = {height: inner + top + bottom, margin: {l: 78, r: 10, t: top, b: bottom}};
  let above = 0;
  wanted.forEach(([name, size], place) => {
    if (!size) return;
    panels[name] = {axis: `y${place + 1}`, domain: [1 - (above + size) / inner, 1 - above / inner]};
    above += size + gap;
  });
  return panels;
}

function observedMinutes({likeliest}) {
  return Array.from(likeliest, (number) => number !== NO_CLASS);
}

function ribbons(night, minutes, axis) {
  const observed = observedMinutes(minutes);
  const commonest = minutes.times.map((_, minute) => {
    const counts = minutes.counts.map((one) => one[minute]);
    return observed[minute] ? counts.indexOf(Math.max(...counts)) : null;
  });
  const likeliest = Array.from(minutes.likeliest, (number) => (number === NO_CLASS ? null : number));
  const text = [likeliest, commonest].map((row) => row.map((number) => (number === null ? "" : className(night.classes[number]))));
  const steps = night.classes.flatMap((name, number) => [number, number + 1].map((edge) => [edge / night.classes.length, INDEX.colours[name]]));
  return [{
    type: "heatmap", x0: minutes.times[0] + 30000, dx: 60000, y: ["smoothed", "labels"],
    z: [likeliest, commonest], text: text.map((row) => row.map(plotText)),
    zmin: -0.5, zmax: night.classes.length - 0.5, colorscale: steps, showscale: false, hoverongaps: false,
    hovertemplate: "%{y}: %{text}<extra></extra>", yaxis: axis, ygap: 4,
  }];
}

function framesByClass(night, minutes, axis) {
  return night.classes.map((name, number) => ({
    type: "scatter", mode: "lines", stackgroup: "frames", line: {shape: "hv", width: 0, color: INDEX.colours[name]},
    fillcolor: INDEX.colours[name], x: minutes.times, y: Array.from(minutes.counts[number]), yaxis: axis,
    name: plotText(className(name)), hovertemplate: "%{y} frames<extra>%{fullData.name}</extra>",
  }));
}

// Steps from the beginning to the end of each minute, so that one between two gaps is seen too.
function probabilityLines(night, minutes, state, axis) {
  const observed = observedMinutes(minutes);
  return night.classes.map((name, number) => {
    const x = [], y = [];
    minutes.times.forEach((time, minute) => {
      if (!observed[minute]) return;
      const value = minutes.probabilities[number][minute];
      x.push(time, time + 60000);
      y.push(value, value);
      if (!observed[minute + 1]) {
        x.push(time + 60000);
        y.push(null);
      }
    });
    return {
      type: "scatter", mode: "lines", line: {color: INDEX.colours[name], width: name === state.class ? 3 : 1.2},
      x, y, connectgaps: false, yaxis: axis,
      name: plotText(className(name)), hovertemplate: "p %{y:.2f}<extra>%{fullData.name}</extra>",
    };
  });
}

function eventBars(night, axis) {
  const events = eventsIn(night);
  return night.classes.map((name, number) => {
    const own = events.filter((event) => event.class === name);
    const texts = own.map((event) => plotText(`${className(name)}: ${clock(event.startSecond)} to ${clock(event.startSecond + event.seconds)}, `
      + `p ${fixed(event.p_mean, 2)}, ${event.quality}`));
    return {
      type: "bar", orientation: "h", base: own.map((event) => event.startSecond * 1000), x: own.map((event) => event.seconds * 1000),
      y: own.map(() => number), width: 0.8,
      marker: {color: INDEX.colours[name], pattern: {shape: own.map((event) => (event.quality === "good" ? "" : "/"))}},
      hovertext: texts, hoverinfo: "text", yaxis: axis, textposition: "none",
    };
  });
}

function nightLayout(night, minutes, panels, image) {
  const {ink, faint} = colours();
  const end = minutes.times.at(-1) + 60000;
  const axis = (panel, title, more = {}) => ({
    domain: panel.domain, title: {text: title, font: {size: 11}}, fixedrange: true, zeroline: false, gridcolor: faint,
    linecolor: faint, tickfont: {color: ink, size: 11}, anchor: "x", ...more,
  });
  const layout = {
    ...baseLayout(panels.height), margin: panels.margin, hovermode: "closest", barmode: "overlay",
    xaxis: {
      type: "date", range: [minutes.times[0], end], tickformat: "%H:%M", gridcolor: faint, fixedrange: true, zeroline: false,
      title: {text: `UT, ${plotText(night.day)}`, font: {size: 11}}, anchor: panels.events.axis,
    },
    [axisName(panels.ribbons)]: axis(panels.ribbons, "", {showgrid: false}),
    [axisName(panels.frames)]: axis(panels.frames, "frames/min", {rangemode: "tozero", nticks: 4}),
    [axisName(panels.probability)]: axis(panels.probability, probabilityName(night), {range: [0, 1], tickvals: [0, 0.25, 0.5, 0.75, 1]}),
    [axisName(panels.events)]: axis(panels.events, "events", {range: [night.classes.length - 0.4, -0.6], showticklabels: false}),
  };
  if (image) {
    layout[axisName(panels.image)] = axis(panels.image, "keogram", {range: [0, 1], tickvals: [0.06, 0.94], ticktext: ["S", "N"], showgrid: false});
    layout.images = [{
      source: image, xref: "x", yref: panels.image.axis, x: Math.floor(night.first / 60) * 60000, y: 1,
      sizex: (Math.floor(night.last / 60) - Math.floor(night.first / 60) + 1) * 60000, sizey: 1, sizing: "stretch", layer: "above",
    }];
  }
  return layout;
}

function probabilityName(night) {
  return night.model === INDEX.majority_model ? "share" : "probability";
}

function axisName(panel) {
  return `yaxis${panel.axis.slice(1).replace(/^1$/, "")}`;
}

function tellNight(night, minutes) {
  byId("night-text").replaceChildren(factsOf(night, minutes), classTable(night), eventList(night), problemList(night, minutes));
}

function block(title, ...content) {
  return element("div", {class: "block"}, element("h3", {}, title), ...content);
}

function factsOf(night, minutes) {
  const {weights} = night;
  const made = weights.name
    ? `${weights.name} (${weights.kind}), SHA-256 ${weights.sha256.slice(0, 12)}`
    : "not known: no companion of this very file";
  const rows = [
    ["Observed", night.frames ? `${fixed(night.hours, 2)} h, ${counted(night.frames, "frame")}` : "no frames"],
    ["From, to", night.frames ? `${isoTime(night.first)} to ${isoTime(night.last)}` : "-"],
    ["Camera", night.camera],
    ["Weights", made],
    ["Mean confidence", night.frames ? fixed(night.confidence, 3) : "-"],
    ["Made by", night.version ? `aurorapt ${night.version}, ${night.precision}${night.salvage ? ", damaged files salvaged" : ""}` : "not known"],
    ["Smoothing", night.model || "-"],
    ["File", minutes.file],
  ];
  const list = element("dl", {}, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  const simulated = weights.kind === INDEX.simulated_kind
    ? [element("p", {class: "warning"}, "Weights trained on simulated frames: for trying the tool, not for science.")] : [];
  return block("The night", ...simulated, list);
}

function classTable(night) {
  const head = ["Class", "Frames", "Share", night.model === INDEX.majority_model ? "Smoothed minutes (share)" : "Expected minutes"];
  const rows = night.classes.map((name, number) => [
    element("td", {}, swatch(name), className(name)),
    element("td", {class: "number"}, (night.counts[number] ?? 0).toLocaleString("en")),
    element("td", {class: "number"}, night.frames ? fixed(night.counts[number] / night.frames, 3) : "-"),
    element("td", {class: "number"}, night.frames ? fixed(night.minutes[number], 1) : "-"),
  ]);
  return block("Classes", plainTable("Frames and minutes of each class", head, rows));
}

function swatch(name) {
  return element("span", {class: "dot", style: `background:${INDEX.colours[name]}`, "aria-hidden": "true"});
}

function plainTable(caption, head, rows) {
  return element("div", {class: "scroller", tabindex: "0", role: "region", "aria-label": caption}, element("table", {},
    element("caption", {class: "unseen"}, caption),
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", {scope: "col"}, name)))),
    element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells)))));
}

function eventList(night) {
  const events = eventsIn(night);
  if (!events.length) return block("Events", element("p", {}, `No event of ${RULE_MINUTES} minutes or more.`));
  const rows = events.map((event) => [
    element("td", {}, swatch(event.class), className(event.class)),
    element("td", {}, `${clock(event.startSecond)}${event.start_censored ? " or before" : ""}`),
    element("td", {}, `${clock(event.startSecond + event.seconds)}${event.end_censored ? " or after" : ""}`),
    element("td", {class: "number"}, fixed(event.duration_min, 1)),
    element("td", {class: "number"}, fixed(event.p_mean, 2)),
    element("td", {}, event.quality),
  ]);
  return block("Events", plainTable("Events of this night", ["Class", "Start", "End", "Minutes", "p_mean", "Quality"], rows));
}

function problemList(night, minutes) {
  const lines = night.faults.map(({file, reason}) => `${file} not used: ${reason}`);
  lines.push(...minutes.problems.map(([file, reason, count]) => `${file}: ${reason}${count > 1 ? ` (${counted(count, "frame")})` : ""}`));
  if (minutes.outside) lines.push(`${counted(minutes.outside, "frame")} of another date are counted but not drawn`);
  const more = night.problems - minutes.problems.length;
  if (more > 0) lines.push(`and ${counted(more, "problem")} more, which the companion of the file lists`);
  if (!lines.length) return block("Problems", element("p", {}, night.version ? "None." : "Not known: no companion of this very file."));
  return block("Problems", element("ul", {class: "lines"}, ...lines.map((line) => element("li", {}, line))));
}
