"use strict";
// Small plots as SVG, and the colours of attention.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Bars of equal width. `label(i)` describes bar i; `ticks` are [bar, text].
function bars(title, heights, label, ticks) {
  const [width, height, floor] = [600, 190, 160];
  const most = Math.max(...heights, 1e-12);
  const step = width / heights.length;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "bars", role: "img", "aria-label": title });
  heights.forEach((value, i) => {
    const tall = (value / most) * (floor - 10);
    const bar = svg("rect", { x: i * step + step * 0.08, width: step * 0.84, y: floor - tall, height: tall, class: "bar" });
    const target = svg("rect", { x: i * step, width: step, y: 0, height: floor, class: "target" });
    target.append(svg("title", {}, label(i)));
    picture.append(bar, target);
  });
  picture.append(svg("line", { x1: 0, x2: width, y1: floor, y2: floor, class: "axis" }));
  for (const [bar, text] of ticks) {
    const x = (bar + 0.5) * step;
    const anchor = x < 30 ? "start" : x > width - 30 ? "end" : "middle";
    picture.append(svg("text", { x: anchor === "start" ? 0 : anchor === "end" ? width : x, y: floor + 20, "text-anchor": anchor }, text));
  }
  return picture;
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// Colours are those of the style sheet: the stops of attention, light to dark.
const attentionStops = getComputedStyle(document.documentElement).getPropertyValue("--attention")
  .trim().split(" ");

// Colour of a weight: by its square root, so that .05 is still seen beside 1.
function attentionColour(weight) {
  const stops = attentionStops;
  const along = Math.sqrt(Math.min(1, Math.max(0, weight))) * (stops.length - 1);
  const at = dark.matches ? stops.length - 1 - along : along;
  const low = Math.min(stops.length - 2, Math.floor(at));
  const [from, to] = [channels(stops[low]), channels(stops[low + 1])];
  return from.map((value, i) => Math.round(value + (to[i] - value) * (at - low)));
}

// Black or white, whichever is easier to read on a colour (WCAG contrast).
function inkOn(rgb) {
  const [r, g, b] = rgb.map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

// The bytes of a pattern as weights by query; null where there is no number.
function unpack(packed, length, steps, unknown) {
  const bytes = atob(packed);
  const rows = [];
  for (let query = 0, at = 0; query < length; query++) {
    const row = [];
    for (let key = 0; key <= query; key++, at++) {
      const value = bytes.charCodeAt(at);
      row.push(value === unknown ? null : (value / steps) ** 2);
    }
    rows.push(row);
  }
  return rows;
}
