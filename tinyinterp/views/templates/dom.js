"use strict";
// Elements, and how tokens, numbers and tables are written. Text only ever becomes text.

// el("a", {href: "#1"}, "one", el("b", {}, "two")); `style` is an object of properties.
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") for (const [p, v] of Object.entries(value)) element.style.setProperty(p, v);
    else if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

function code(character) {
  const point = character.codePointAt(0);
  return point < 256 ? `\\x${point.toString(16).padStart(2, "0")}` : `\\u{${point.toString(16)}}`;
}

// Text on one line: breaks as ⏎, what cannot be seen or turns text around as an escape.
function oneLine(text) {
  return text.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, code);
}

// A token as a word: spaces at its ends are seen, too.
function visible(token) {
  return oneLine(token).replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length)) || "(nothing)";
}

function number(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) >= 1e4) return value.toLocaleString("en");
  const shown = value.toFixed(digits);
  return Number(shown) === 0 && value !== 0 ? value.toExponential(1) : shown;
}

function interval(low, high, digits = 2) {
  if (low === null || low === undefined || high === null || high === undefined) return "–";
  return `${number(low, digits)} to ${number(high, digits)}`;
}

function percent(value) {
  return value === null || value === undefined ? "–" : `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
}

function chip(kind, text) {
  return el("span", { class: `chip kind-${kind || "undetermined"}`, title: glossary[kind] }, text ?? kind);
}

// Heads and neurons may both be "mixed", in colours of their own.
function neuronChip(kind, text) {
  const made = chip(kind, text);
  made.classList.add("of-neuron");
  return made;
}

// How many there are of each kind, in the order of `kinds`.
function legend(rows, kinds, draw = chip) {
  const counts = new Map();
  for (const [kind, count] of rows) counts.set(kind, (counts.get(kind) ?? 0) + count);
  return el("ul", { class: "legend" }, kinds.filter((kind) => counts.get(kind))
    .map((kind) => el("li", {}, draw(kind, `${kind} ${counts.get(kind).toLocaleString("en")}`))));
}

// What terms mean, by term and by column: shown where the mouse rests on one.
const glossary = {};

function termList(terms) {
  return section("Terms", el("dl", { class: "terms" },
    terms.flatMap((name) => [el("dt", {}, name), el("dd", {}, glossary[name])])));
}

function section(title, ...content) {
  return el("section", {}, el("h2", {}, title), ...content);
}

// Names and their values; pairs whose value is missing are left out.
function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, known.flatMap(([name, value]) =>
    [el("dt", { title: glossary[name] }, name), el("dd", {}, ...[value].flat())]));
}

// A value of a table or a note as text.
function written(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.map(written).join(" · ") || "–";
  if (typeof value === "object") return Object.entries(value).map(([key, one]) => `${key} ${written(one)}`).join(", ") || "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? value.toLocaleString("en") : number(value, 4);
}

// Everything that a table or its notes hold, folded away.
function allOf(title, pairs) {
  return el("details", {}, el("summary", {}, title),
    facts(pairs.map(([name, value]) => [name.replaceAll("_", " "), written(value)])));
}

// A table that scrolls sideways where it is too wide. A cell is text, an element, a list of them,
// or {show, sort}: what to show and what to sort by. `sortable`: a click on a heading sorts.
function table(caption, headings, rows, { sortable = false, name = null } = {}) {
  const head = el("tr", {}, headings.map((heading) => el("th", { scope: "col", title: glossary[heading] },
    sortable ? el("button", { type: "button" }, heading) : heading)));
  const body = rows.map((row) => el("tr", {}, row.map((cell, i) => {
    const sort = cell?.show === undefined ? undefined : cell.sort ?? "";
    const shown = [cell?.show ?? cell].flat();
    return i ? el("td", { "data-sort": sort }, ...shown) : el("th", { scope: "row", "data-sort": sort }, ...shown);
  })));
  const made = el("table", { class: "rows", id: name }, el("caption", {}, caption),
    el("thead", {}, head), el("tbody", {}, body));
  if (sortable) makeSortable(made);
  return scrolling(caption, made);
}

function sortValue(cell) {
  const raw = cell.dataset.sort ?? cell.textContent;
  if (raw === "" || raw === "–") return null;
  return Number.isNaN(Number(raw)) ? raw : Number(raw);
}

// A click sorts upwards, the next one downwards; what is missing always comes last.
function makeSortable(made) {
  const headings = [...made.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const body = made.tBodies[0];
    const keyed = [...body.rows].map((row) => [sortValue(row.cells[column]), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en"));
    });
    body.append(...keyed.map(([, row]) => row));
  }));
}
