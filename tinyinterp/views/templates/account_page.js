"use strict";
// account.html, one file: the whole model as a table and a picture, what heads and neurons need by
// layer, the ladders of the heads that cost most.

const data = JSON.parse(document.getElementById("data").textContent);
Object.assign(glossary, data.glossary);
Object.assign(pageOf, { head: () => null, neuron: () => null, layer: () => null, tag: () => null, token: () => null });

const BAR = 180; // pixels of a whole bar

function accountBar(share, language) {
  const width = BAR * Math.min(1, Math.max(0, share ?? 0));
  return el("span", { "aria-hidden": "true", style: { display: "block", width: `${BAR}px`, height: "12px" } },
    el("span", { style: { display: "block", width: `${width.toFixed(1)}px`, height: "12px", "border-radius": "2px",
      background: language ? "var(--faint)" : "var(--accent)" } }));
}

function accountTable() {
  const headings = ["replaced", "by", "nats per token", "from means", "from unigrams", "95 % interval", "as a bar", "numbers stored"];
  const rows = data.rows.map((row) => [row.part, row.rung, number(row.nats, 3), number(row.loss_recovered),
    number(row.loss_recovered_unigram), interval(row.unigram_low, row.unigram_high),
    accountBar(row.loss_recovered_unigram, row.language), row.parameters.toLocaleString("en")]);
  const made = table("Loss recovered by each part and rung", headings, rows);
  return section("The whole model", el("p", { class: "caption" },
    "Loss recovered on two scales: from everything at its mean, and from the unigram model of the same text. "
    + `Intact, the model has ${number(data.notes.nats_intact, 3)} nats per token; with everything at its mean, ${number(data.notes.nats_at_means, 3)}.`), made);
}

function accountPicture() {
  return el("p", { style: { "max-width": "100%" } },
    el("img", { src: data.picture, alt: data.pictured, style: { "max-width": "100%", height: "auto" } }));
}

function accountNeeds(name, { names, colours, inks, layers }) {
  const legend = el("ul", { class: "legend" }, names.map((need, i) =>
    el("li", {}, el("span", { class: "chip", title: glossary[need], style: { background: colours[i], color: inks[i] } }, need))));
  const rows = layers.map(([layer, ...counts]) => [String(layer),
    el("div", { class: "shares", "aria-hidden": "true" }, counts.map((count, i) =>
      el("span", { style: { "flex-grow": String(count), background: colours[i] } }))),
    ...counts.map((count) => count.toLocaleString("en"))]);
  return section(`What ${name} need, by layer`, legend,
    table(`What ${name} need, by layer`, ["layer", "shares", ...names], rows));
}

const LADDER = { width: 340, height: 150, top: 8, floor: 120 };
const LADDER_FILLS = ["var(--faint)", "var(--accent)"];

// A group of bars for each rung, with their intervals; dashed: what is enough.
function accountLadder(name, { rungs, enough, lowest, bars: measures }) {
  const { width, height, top, floor } = LADDER;
  const step = width / rungs.length;
  const y = (share) => top + ((1 - share) / (1 - lowest)) * (floor - top);
  const x = (place) => (place + 0.5) * step;
  const said = ([value, low, high]) => value === null ? "not known" : `${number(value)} (${interval(low, high)})`;
  const words = measures.map((one) => `${one.name}: ${one.values.map((cell, i) => `${rungs[i]} ${said(cell)}`).join(", ")}`).join("; ");
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "bars", role: "img", "aria-label": `Ladder of head ${name}. ${words}` });
  measures.forEach((one, measure) => one.values.forEach(([value, low, high], i) => {
    if (value === null) return;
    const middle = x(one.places[i]);
    const wide = one.width * step;
    const [upper, lower] = [y(Math.max(value, 0)), y(Math.min(value, 0))];
    const bar = svg("rect", { x: middle - wide / 2, width: wide, y: upper, height: lower - upper, class: `measure-${measure}` });
    bar.append(svg("title", {}, `${one.name}, ${rungs[i]}: ${said([value, low, high])}`));
    picture.append(bar);
    if (low !== null && high !== null)
      picture.append(svg("line", { x1: middle, x2: middle, y1: y(high), y2: y(low), class: "whisker" }));
  }));
  picture.append(svg("line", { x1: 0, x2: width, y1: y(0), y2: y(0), class: "axis" }),
    svg("line", { x1: 0, x2: width, y1: y(enough), y2: y(enough), class: "axis", "stroke-dasharray": "4 3" }));
  rungs.forEach((rung, i) => picture.append(svg("text", { x: x(i), y: floor + 20, "text-anchor": "middle" }, rung)));
  return picture;
}

function accountHead(row) {
  const name = headName(row.layer, row.head);
  const [cost, low, high] = row.cost;
  return el("div", {}, el("h3", {}, `Head ${name} ${row.needs ? `needs ${row.needs}` : "costs nothing to ablate"}`),
    accountLadder(name, row.ladder),
    facts([
      ["ablation", `${number(cost, 4)} nats per token (${interval(low, high, 4)})`],
      ["drawn to", row.drawn_to.length ? tokenList(row.drawn_to) : null],
      ["raises there", row.raises.length ? tokenList(row.raises) : null],
      ["composes with", row.composes_with.map((one) => one.replace(/(\d+)\.(\d+)$/, "L$1H$2")).join(", ")],
    ]));
}

function accountHeads() {
  const key = ["explained", "keeps"].map((name, i) => el("li", {}, el("span", { class: "chip", title: glossary[name],
    style: { background: LADDER_FILLS[i], color: "var(--paper)" } }, name)));
  return section(`The ${data.heads.length} heads that cost most, of ${data.of_heads}`,
    el("p", { class: "caption" }, "By the rise in loss under mean ablation. Each rung has two bars: the share of the pattern that it explains, "
      + "and the share of the head’s effect on the loss that it keeps. Thin lines are 95 % intervals. A head needs the lowest rung that keeps as much as the dashed line."),
    el("ul", { class: "legend" }, key), el("div", { class: "card" }, data.heads.map(accountHead)));
}

document.getElementById("main").replaceChildren(
  el("h1", {}, data.title),
  el("p", { class: "about" }, `Fitted on ${data.notes.fit_tokens.toLocaleString("en")} tokens of ${data.notes.fit_text}, scored on ${data.notes.test_tokens.toLocaleString("en")} of ${data.notes.text}.`),
  el("p", {}, data.about),
  accountTable(), accountPicture(),
  el("p", {}, "A head needs the lowest rung that keeps .8 of its effect on the loss, a neuron the lowest with r² of .5; where none is enough, it needs context, which is a finding and not a failure."),
  accountNeeds("heads", data.needs.heads), accountNeeds("neurons", data.needs.neurons),
  accountHeads(), termList(data.terms), allOf("How this was measured", Object.entries(data.notes)));
