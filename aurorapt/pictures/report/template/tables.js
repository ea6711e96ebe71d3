// Tables that any column sorts, a page at a time; what they hold is what the downloads hold.

const PAGE_ROWS = 50;

const FRACTIONS = new Set(["duration_min", "observed_min", "p_mean", "raw_fraction", "flicker", "mlt_start", "mlt_end", "mlat", "network_p_mean"]);
const EVENT_COLUMNS = INDEX.event_columns.map((name) => ({name, value: (event) => event[name], fraction: FRACTIONS.has(name)}));
const NIGHT_COLUMNS = [
  {name: "date", value: (night) => night.day || night.name},
  {name: "site", value: (night) => night.site},
  {name: "camera", value: (night) => night.camera},
  {name: "frames", value: (night) => night.frames},
  {name: "hours_observed", value: (night) => round(night.hours, 3), fraction: true},
  ...INDEX.classes.flatMap((name) => [
    {name: `n_${name}`, value: (night) => (night.classes.includes(name) ? night.counts[night.classes.indexOf(name)] ?? 0 : null)},
    {name: `expected_${name}_min`, value: (night) => minutesOf(night, name), fraction: true},
  ]),
  {name: "mean_confidence", value: (night) => (night.frames ? night.confidence : null), fraction: true},
  {name: "problems", value: (night) => night.problems + night.faults.length},
  {name: "weights", value: (night) => night.weights.name},
  {name: "weights_kind", value: (night) => night.weights.kind},
  {name: "weights_sha256", value: (night) => night.weights.sha256},
];

function round(value, digits) {
  return Number(value.toFixed(digits));
}

function sorted(rows, columns, order) {
  const descending = order.startsWith("-");
  const column = columns.find(({name}) => name === order.replace(/^-/, ""));
  if (!column) return rows;
  const sign = descending ? -1 : 1;
  const compare = (one, other) => {
    if (one === other) return 0;
    if (one === null) return 1;
    if (other === null) return -1;
    return (one < other ? -1 : 1) * sign;
  };
  return rows.map((row) => [column.value(row), row]).sort(([one], [other]) => compare(one, other)).map(([, row]) => row);
}

class SortedTable {
  // key : of the address under which its order stands; linked : name of the column whose cells open a night
  constructor(place, {caption, columns, key, linked, nightOf, empty}) {
    Object.assign(this, {place, caption, columns, key, linked, nightOf, empty});
    this.rows = [];
    this.page = 0;
  }

  show(rows, order) {
    this.order = order;
    this.rows = sorted(rows, this.columns, order);
    this.page = 0;
    this.draw();
  }

  draw() {
    const pages = Math.max(Math.ceil(this.rows.length / PAGE_ROWS), 1);
    const first = this.page * PAGE_ROWS, shown = this.rows.slice(first, first + PAGE_ROWS);
    const focused = document.activeElement?.dataset?.column;
    const hadFocus = this.place.contains(document.activeElement);
    const table = element("table", {class: "sortable"},
      element("caption", {class: "unseen"}, `${this.caption}; the buttons in the first row sort it`),
      element("thead", {}, element("tr", {}, ...this.columns.map((column) => this.heading(column)))),
      element("tbody", {}, ...shown.map((row) => this.line(row))));
    const scroller = element("div", {class: "scroller", tabindex: "0", role: "region", "aria-label": this.caption}, table);
    const turn = (step) => element("button", {type: "button", disabled: this.page + step < 0 || this.page + step >= pages,
      onclick: () => { this.page += step; this.draw(); }}, step < 0 ? "Previous" : "Next");
    const pager = element("div", {class: "pager"}, turn(-1), element("span", {},
      `${first + 1}–${first + shown.length} of ${this.rows.length.toLocaleString("en")}`), turn(1));
    this.place.replaceChildren(...(this.rows.length ? [scroller, ...(pages > 1 ? [pager] : [])] : [element("p", {class: "empty"}, this.empty)]));
    if (hadFocus && focused) [...this.place.querySelectorAll("button[data-column]")].find((button) => button.dataset.column === focused)?.focus();
  }

  heading(column) {
    const name = this.order.replace(/^-/, "");
    const state = name !== column.name ? "none" : this.order.startsWith("-") ? "descending" : "ascending";
    const next = state === "ascending" ? `-${column.name}` : column.name;
    return element("th", {scope: "col", "aria-sort": state}, element("button",
      {type: "button", "data-column": column.name, onclick: () => go({[this.key]: next})}, column.name));
  }

  line(row) {
    return element("tr", {}, ...this.columns.map((column) => {
      const value = column.value(row);
      const text = value === null ? "" : typeof value === "number" && column.fraction ? csvCell(value, true) : String(value);
      const content = column.name === this.linked ? element("a", {href: linkTo(this.nightOf(row))}, text) : text;
      return element("td", {class: typeof value === "number" ? "number" : null, title: text.length > 28 ? text : null}, content);
    }));
  }
}
