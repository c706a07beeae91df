"use strict";
// Elements, and how tokens, numbers, heads and neurons are written. Text only ever becomes text.

// el("a", {href: "#1"}, "one", el("b", {}, "two")); `style` is an object of properties.
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") for (const [p, v] of Object.entries(value)) element.style.setProperty(p, v);
    else if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
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

function tokenHref(token) {
  try {
    return `token.html#${encodeURIComponent(token)}`;
  } catch {
    return null; // half of a surrogate pair
  }
}

function tokenLink(token, text) {
  return el("a", { class: "token", href: tokenHref(token) }, text ?? visible(token));
}

function tokenList(tokens) {
  return tokens.flatMap((token, i) => (i ? [" ", tokenLink(token)] : [tokenLink(token)]));
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

function chip(kind, colours, text) {
  const look = colours[kind] ?? colours.undetermined;
  return el("span", { class: "chip", style: { background: look.colour, color: look.ink } }, text ?? kind);
}

const headChip = (kind) => chip(kind, atlas.index.head_kinds);
const neuronChip = (kind) => chip(kind, atlas.index.neuron_kinds);

function headLink(layer, head) {
  return el("a", { href: `head.html#${layer}.${head}` }, `${layer}.${head}`);
}

function neuronLink(layer, neuron) {
  return el("a", { href: `neuron.html#${layer}.${neuron}` }, `${layer}.${neuron}`);
}

function tagLink(tag) {
  return el("a", { href: `tag.html#${encodeURIComponent(tag)}` }, tag);
}

function section(title, ...content) {
  return el("section", {}, el("h2", {}, title), ...content);
}

// Names and what is to be said of them; pairs whose value is missing are left out.
function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" },
    known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, ...[value].flat())]));
}

// A table that scrolls sideways where it is too wide. Cells are text, elements or lists of them.
function table(caption, headings, rows) {
  const head = el("tr", {}, headings.map((heading) => el("th", { scope: "col" }, heading)));
  const body = rows.map((row) => el("tr", {}, row.map((cell, i) => {
    const cells = [cell].flat();
    return i ? el("td", {}, ...cells) : el("th", { scope: "row" }, ...cells);
  })));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: "rows" }, el("caption", {}, caption),
      el("thead", {}, head), el("tbody", {}, body)));
}

const WHOSE = { current: "own tag", next: "next word's tag", previous: "previous word's tag" };
