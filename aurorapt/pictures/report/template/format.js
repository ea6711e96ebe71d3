// Texts, elements and CSV; nothing that comes from files is ever parsed as markup.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

function isoTime(second) {
  return `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
}

function compactTime(second) {
  return isoTime(second).replaceAll(/[-:]/g, "");
}

function clock(second) {
  return isoTime(second).slice(11, 16);
}

function counted(number, noun, plural = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;
}

function fixed(value, digits) {
  return value === null ? "" : value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
}

function className(name) {
  return name.replaceAll("_", " ");
}

// plotly.js takes some markup in its texts: what looks like it is written out
function plotText(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function shortened(text, most = 24) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

// A cell as Python's csv writes it; of numbers, those that Python holds as fractions keep their point
function csvCell(value, isFraction) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && isFraction && Number.isInteger(value)) return `${value}.0`;
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function download(name, columns, rows) {
  const lines = [columns.map((column) => csvCell(column.name)), ...rows.map((row) =>
    columns.map((column) => csvCell(column.value(row), column.fraction)))];
  const url = URL.createObjectURL(new Blob([lines.map((line) => `${line.join(",")}\n`).join("")], {type: "text/csv"}));
  element("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
