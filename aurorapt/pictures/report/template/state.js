// What is shown lives in the address, so that it can be linked to, and that back and forward work.

const RULE_MINUTES = INDEX.rule.min_duration / 60;
const DEFAULT_CLASS = INDEX.classes.includes("pulsating") ? "pulsating" : INDEX.classes[0];
const DATE = /^\d{4}-\d{2}-\d{2}$/;

function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  const date = (name) => (DATE.test(given.get(name) ?? "") ? given.get(name) : "");
  const minutes = Number(given.get("min"));
  return {
    sites: (given.get("site") ?? "").split(",").filter((site) => INDEX.sites.includes(site)),
    from: date("from"), to: date("to"),
    class: INDEX.classes.includes(given.get("class")) ? given.get("class") : DEFAULT_CLASS,
    min: Number.isFinite(minutes) && minutes > RULE_MINUTES ? minutes : RULE_MINUTES,
    night: given.get("night") ?? "",
    sort: given.get("sort") ?? "", order: given.get("order") ?? "",
  };
}

function hashOf(state) {
  const parts = new URLSearchParams();
  if (state.sites.length) parts.set("site", state.sites.join(","));
  if (state.from) parts.set("from", state.from);
  if (state.to) parts.set("to", state.to);
  if (state.class !== DEFAULT_CLASS) parts.set("class", state.class);
  if (state.min > RULE_MINUTES) parts.set("min", String(state.min));
  if (state.night) parts.set("night", state.night);
  if (state.sort) parts.set("sort", state.sort);
  if (state.order) parts.set("order", state.order);
  return `#${parts}`;
}

// Go to what is shown with some of it changed; the page follows its address.
function go(changes) {
  location.hash = hashOf({...readState(), ...changes});
}

function linkTo(night) {
  return hashOf({...readState(), night: night.id});
}

function withinFilter(night, state) {
  return (!state.sites.length || state.sites.includes(night.site))
    && (!state.from || night.day >= state.from) && (!state.to || (night.day !== "" && night.day <= state.to));
}

function eventWanted(event, state) {
  return event.class === state.class && event.seconds >= state.min * 60;
}

// Whether a night has what is asked for: any night will do, unless longer events than the rule's are.
function nightWanted(night, state) {
  if (state.min <= RULE_MINUTES) return true;
  return night.events.some((event) => eventWanted(event, state));
}
