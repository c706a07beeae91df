"use strict";
// compare.html, one file: checkpoints side by side.

const data = JSON.parse(document.getElementById("data").textContent);
Object.assign(glossary, data.glossary);

function comparedPrompts() {
  if (!data.prompts.length) return null;
  return section("Prompts answered, by category", table("Prompts answered, by category",
    ["model", "category", "answered", "95 % interval", "chance"],
    data.prompts.map(([model, category, value, low, high, chance]) =>
      [oneLine(model), oneLine(category), percent(value), `${percent(low)} to ${percent(high)}`, percent(chance)])));
}

document.getElementById("main").replaceChildren(...[
  el("h1", {}, data.title),
  el("p", { class: "about" }, `Measured on ${oneLine(data.notes.text)}. Differences in loss are to the first checkpoint, paired over the same stories.`),
  data.warnings.map((one) => el("p", { class: "warning" }, one)),
  section("Side by side", el("p", { class: "caption" },
    "Brackets hold 95 % intervals. Kinds are counts of all heads and neurons of one model, not of a sample, and have no interval; with another text some labels would change."),
  table("Checkpoints side by side", ["measure", ...data.models.map(oneLine)], data.lines)),
  el("p", {}, el("img", { src: data.picture, alt: "The numbers of the table, drawn", style: { "max-width": "100%", height: "auto" } })),
  comparedPrompts(),
  allOf("How this was measured", Object.entries(data.notes)),
].flat().filter((one) => one !== null));
