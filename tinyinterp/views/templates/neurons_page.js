"use strict";
// neurons_layer4.html, one file: a list to search, the chosen neuron beside it. The chosen neuron is
// the page's fragment, #L4N17, so that links, bookmarks and "back" work.

const data = JSON.parse(document.getElementById("data").textContent);
Object.assign(glossary, data.glossary);
Object.assign(pageOf, { neuron: (layer, neuron) => `#${neuronName(layer, neuron)}`, tag: () => null, token: () => null });

const detail = el("div", { class: "detail", tabindex: "0", role: "region", "aria-label": "The chosen neuron", "aria-live": "polite" });
const back = wayBack("Back to the list", () => detail.previousElementSibling.querySelector("tr.chosen a"));
const list = neuronList(data.layer, data.list, data.kinds);
const lines = new Map([...list[1].querySelectorAll("tbody tr")].map((line, i) => [data.list[i][0], line]));

function show() {
  const [layer, asked] = pair(fragment(), "neuron") ?? [];
  const named = layer === data.layer && lines.has(asked);
  const neuron = named ? asked : data.list[0]?.[0];
  if (neuron === undefined) return;
  const { row, content } = neuronSections(data, data.neurons[data.list.findIndex(([n]) => n === neuron)]);
  for (const [other, line] of lines) line.classList.toggle("chosen", other === neuron);
  if (named) nameInAddress(neuronName(layer, neuron));
  const needs = row.needs === undefined ? [data.no_account] : [row.kind, ...neuronNeeds(data.settings, row.needs)];
  const missing = named || !fragment() ? null
    : el("p", { class: "warning" }, `There is no neuron ${oneLine(fragment())} on this page; this is the first.`);
  const title = el("h2", { tabindex: "-1" }, `Neuron ${neuronName(data.layer, neuron)} `, neuronChip(row.kind));
  detail.replaceChildren(...[title, missing, el("p", { class: "caption needs" }, needs), ...content, back].filter(Boolean));
  detail.scrollTop = 0;
  const within = list[1].getBoundingClientRect();
  const line = lines.get(neuron).getBoundingClientRect();
  if (line.top < within.top + line.height || line.bottom > within.bottom)  // the page itself stays
    list[1].scrollTop += line.top - within.top - within.height / 2;
  if (fragment()) reveal(title);
}

for (const [neuron, line] of lines)
  line.addEventListener("click", () => {
    if (window.location.hash === pageOf.neuron(data.layer, neuron)) show(); // chosen again
    else window.location.hash = pageOf.neuron(data.layer, neuron);
  });
document.getElementById("main").replaceChildren(
  el("h1", {}, data.title),
  el("p", { class: "about" }, `${data.list.length.toLocaleString("en")} neurons with their ${data.hits.toLocaleString("en")} largest activations${data.notes.text ? `, on ${data.notes.text}` : ""}. Choose one to read what it fires on.`),
  ...(data.notes.warnings ?? []).map((warning) => el("p", { class: "warning" }, warning)),
  list[0], el("div", { class: "reader" }, list[1], detail),
  termList(data.terms), allOf("How this was measured", Object.entries(data.notes)));
window.addEventListener("hashchange", show);
show();
