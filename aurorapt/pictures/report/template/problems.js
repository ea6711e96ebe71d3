// What went wrong anywhere, and what made the results: for the whole folder, whatever is filtered.

const NIGHTS_LISTED = 200;

function showProblems() {
  const faults = NIGHTS.flatMap((night) => night.faults.map((fault) => ({night, ...fault})));
  const troubled = NIGHTS.filter((night) => night.problems);
  const blocks = [];
  if (faults.length) {
    blocks.push(block(`${counted(faults.length, "file")} not used`, element("ul", {class: "lines"},
      ...faults.map(({night, file, reason}) => element("li", {}, element("a", {href: linkTo(night)}, file), `: ${reason}`)))));
  }
  if (troubled.length) {
    const total = troubled.reduce((sum, night) => sum + night.problems, 0);
    const listed = [...troubled].sort((one, other) => other.problems - one.problems).slice(0, NIGHTS_LISTED);
    const more = troubled.length - listed.length;
    blocks.push(block(`${counted(total, "problem")} of minute files, in ${counted(troubled.length, "camera-night")}`,
      element("ul", {class: "lines compact"}, ...listed.map((night) => element("li", {},
        element("a", {href: linkTo(night)}, `${night.camera} ${night.day || night.name}`), `: ${night.problems}`))),
      ...(more ? [element("p", {}, `and ${counted(more, "camera-night")} with fewer`)] : [])));
  }
  byId("problems").hidden = !blocks.length;
  byId("problem-lists").replaceChildren(...blocks);
}

function showWeights() {
  const uses = new Map();
  for (const night of NIGHTS) {
    const key = JSON.stringify(night.weights);
    uses.set(key, (uses.get(key) ?? 0) + 1);
  }
  const rows = [...uses].map(([key, count]) => {
    const weights = JSON.parse(key);
    return [weights.name || "not known", weights.kind, weights.sha256, count.toLocaleString("en")].map((text) => element("td", {}, text));
  });
  byId("weights").replaceChildren(...(rows.length ? [plainTable("Weights", ["Weights", "Kind", "SHA-256", "Camera-nights"], rows)] : []));
}

// What a reader has to know before anything else.
function showNotes(state) {
  const notes = [];
  const simulated = NIGHTS.filter((night) => night.weights.kind === INDEX.simulated_kind).length;
  if (simulated) {
    notes.push(`${simulated === NIGHTS.length ? "All" : simulated} of these camera-nights were classified with weights trained on `
      + "simulated frames: for trying the tool, not for science.");
  }
  if (NIGHTS.some((night) => night.model === INDEX.majority_model)) {
    notes.push("Where weights have other classes than the published ones, the plain majority of 601 frames was used: "
      + "its p_mean and minutes are shares, not probabilities.");
  }
  const unvalidated = [...new Set(EVENTS.filter((event) => event.class === state.class && !event.site_validated).map((event) => event.site))].sort();
  if (unvalidated.length) {
    notes.push(`Not validated for ${className(state.class)}, so that events are doubtful: ${unvalidated.join(", ")} (see site_validated).`);
  }
  const faults = NIGHTS.filter((night) => night.faults.length).length;
  if (faults) notes.push(`Of ${counted(faults, "camera-night")}, a file could not be used: see Problems.`);
  byId("notes").replaceChildren(...notes.map((note) => element("li", {}, note)));
}
