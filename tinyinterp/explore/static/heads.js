// All heads at once on this text, and one of them close up.
import { change, numbers, state, toggle } from "./state.js";
import { paint, palette, Pattern } from "./patterns.js";
import { position } from "./tokens.js";
import { walkable } from "./walk.js";

const MOST_LINES = 160; // tokens; with more, only the lines of the chosen token are drawn
const FAINTEST = 0.04;
const ROW = 18; // pixels of a token

export const headName = (layer, head) => `L${layer}H${head}`;
const arrow = (role) => role.replace("->", " → ");
const saidOf = (facts) => [facts.kind, facts.role && arrow(facts.role), facts.needs && `needs ${facts.needs}`].filter(Boolean).join(", ");

let patterns = [];

export function unpackAll(run, model) {
  patterns = run.patterns.map((layer) => layer.map((packed) => new Pattern(packed, run.tokens.length, model)));
}

export function drawHeads(box, run, model) {
  const colours = palette(model);
  const chosen = state().head;
  const buttons = [];
  const layers = patterns.map((layer, i) => {
    const here = layer.map((pattern, j) => {
      const name = headName(i, j);
      const facts = model.heads[i * model.heads_a_layer + j];
      const canvas = el("canvas", { "aria-hidden": "true" });
      paint(canvas, pattern, colours);
      const off = run.off.includes(name);
      const button = el("button", { type: "button", class: off ? "thumb off" : "thumb", "data-name": name, "aria-pressed": String(name === chosen),
        "aria-label": [`Head ${name}`, saidOf(facts), off ? "off" : ""].filter(Boolean).join(", "), title: `${name} ${saidOf(facts)}` },
      canvas, facts.kind ? el("span", { class: `strip kind-${facts.kind}` }) : null, el("span", {}, name),
      facts.kind ? el("span", {}, facts.role ? arrow(facts.role) : facts.kind) : null, facts.needs ? el("span", {}, `needs ${facts.needs}`) : null);
      button.addEventListener("click", () => change({ head: name }));
      buttons.push(button);
      return button;
    });
    return el("div", { class: "layer-of-thumbs" }, el("span", {}, `layer ${i}${model.attention[i] === "local" ? " local" : ""}`), el("div", {}, here));
  });
  const grid = el("div", { class: "thumbs", role: "group", "aria-label": "Heads; arrow keys go through them" }, layers);
  walkable(grid, buttons, buttons.findIndex((button) => button.dataset.name === chosen), () => model.heads_a_layer);
  box.replaceChildren(el("h2", { id: "heads-title" }, "All heads on this text"),
    el("p", { class: "caption" }, "A row for each query, a column for each key; the colour is the square root of the weight. Choose one to see it close up."),
    grid);
}

export function markHead() {
  for (const button of document.querySelectorAll("#heads .thumb")) button.setAttribute("aria-pressed", String(button.dataset.name === state().head));
}

// Lines from each query on the left to the keys on the right; those of the chosen token stand out.
function lines(run, pattern, at) {
  const height = ROW * run.tokens.length;
  const y = (i) => ROW * i + ROW / 2;
  const queries = run.tokens.length > MOST_LINES ? [at] : run.tokens.map((_, i) => i);
  const drawn = queries.flatMap((query) => pattern.strongest(query, query + 1).filter(([, weight]) => weight > FAINTEST)
    .map(([key, weight]) => svg("line", { x1: 170, x2: 390, y1: y(query), y2: y(key), "stroke-opacity": (query === at ? weight : 0.25 * weight).toFixed(3) })));
  const words = [[160, "end"], [400, "start"]].flatMap(([x, anchor]) => run.tokens.map((token, i) =>
    svg("text", { x, y: y(i) + 4, "text-anchor": anchor, class: i === at ? "at" : "" }, visible(token).slice(0, 22))));
  const picture = svg("svg", { viewBox: `0 0 560 ${height}`, role: "img", "aria-label": "Lines from each query, left, to the keys that it looks at, right" }, ...drawn, ...words);
  picture.addEventListener("click", (event) => {
    const boxed = picture.getBoundingClientRect();
    change({ at: Math.max(0, Math.min(run.tokens.length - 1, Math.floor(((event.clientY - boxed.top) / boxed.height) * run.tokens.length))), token: null, against: null });
  });
  return el("div", { class: "lines", tabindex: "0", role: "region", "aria-label": "Lines between tokens" }, picture);
}

const listed = (tokens) => tokens?.map(visible).join("  ");

// Why this head matters for this token, in a sentence made of numbers.
function why(name, run, pattern, at, effect) {
  const seen = pattern.strongest(at, 3).map(([key, weight]) => `${visible(run.tokens[key])} (${key}) ${number(weight)}`).join(", ");
  const adds = effect ? ` It adds ${number(effect.value, 2)} to the logit of ${visible(effect.text)}, which is number ${effect.rank} of ${effect.count} heads by size.` : "";
  const alone = run.intact && run.off.length === 1 && run.off[0] === name && run.tokens[at + 1] !== undefined
    ? ` Without it the loss of ${visible(run.tokens[at + 1])} goes from ${number(run.intact.losses[at])} to ${number(run.changed.losses[at])} nats.` : "";
  return `At ${visible(run.tokens[at])} (${at}) ${name} looks at ${seen || "nothing"}.${adds}${alone}`;
}

export function drawHead(box, run, model, attribution) {
  const name = state().head;
  const [layer, head] = name ? numbers(name) : [];
  const pattern = patterns[layer]?.[head];
  box.hidden = !pattern;
  if (!pattern) return;
  const at = position(run);
  const facts = model.heads[layer * model.heads_a_layer + head];
  const values = attribution?.heads.flat() ?? [];
  const value = attribution?.heads[layer][head];
  const effect = attribution && { value, text: attribution.text, count: values.length, rank: 1 + values.filter((one) => Math.abs(one) > Math.abs(value)).length };
  const readout = el("p", { class: "readout", role: "status" }, why(name, run, pattern, at, effect));
  const canvas = el("canvas", { role: "img", "aria-label": `Attention pattern of ${name}: a row for each query, a column for each key` });
  paint(canvas, pattern, palette(model), 1024);
  canvas.addEventListener("mousemove", (event) => {
    const boxed = canvas.getBoundingClientRect();
    const [query, key] = [(event.clientY - boxed.top) / boxed.height, (event.clientX - boxed.left) / boxed.width]
      .map((share) => Math.max(0, Math.min(run.tokens.length - 1, Math.floor(share * run.tokens.length))));
    readout.textContent = key > query ? `${visible(run.tokens[query])} (${query}) comes before ${visible(run.tokens[key])} (${key}) and cannot look at it.`
      : `${visible(run.tokens[query])} (${query}) looks at ${visible(run.tokens[key])} (${key}): ${number(pattern.weight(query, key), 3)}.`;
  });
  canvas.addEventListener("mouseleave", () => { readout.textContent = why(name, run, pattern, at, effect); });
  const off = state().off.includes(name);
  const button = el("button", { type: "button", class: "switch", "aria-pressed": String(off), id: "head-switch" }, off ? `${name} is off: switch it on` : `Switch ${name} off`);
  button.addEventListener("click", () => toggle(name));
  const focused = document.activeElement?.id === "head-switch";
  box.replaceChildren(el("h2", { id: "head-title" }, `Head ${name} `, facts.kind ? chip(facts.kind) : null), button, readout,
    facts.kind || facts.needs || facts.drawn_to ? facts_(facts) : el("p", { class: "caption" }, "No census or account of this model was given, so nothing more is known of this head."),
    el("div", { class: "halves" }, el("div", { class: "matrix large" }, el("div", { class: "cells" }, canvas)), lines(run, pattern, at)));
  if (focused) button.focus();
}

function facts_(row) {
  return facts([
    ["kind", row.kind && `${row.kind}${row.decided_by ? `, by ${row.decided_by.replaceAll("_", " ")} ${number(row.value)}` : ""}`],
    ["role", row.role && arrow(row.role)],
    ["needs", row.needs],
    ["looks at", row.looks_at && arrow(row.looks_at)],
    ["drawn to", listed(row.drawn_to)],
    ["raises", listed(row.raises)],
    ["lowers", listed(row.lowers)],
    ["ablation loss increase", row.ablation_loss_increase === undefined ? null : `${number(row.ablation_loss_increase, 4)} nats a token over a whole text`],
  ]);
}
