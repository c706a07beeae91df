"use strict";
// neurons_layer4.html, one file: a list to search, the chosen neuron beside it. The chosen neuron is
// the page's fragment, #4.17, so that links, bookmarks and "back" work.

const data = JSON.parse(document.getElementById("data").textContent);
Object.assign(glossary, data.glossary);
Object.assign(pageOf, { neuron: (layer, neuron) => `#${layer}.${neuron}`, tag: () => null, token: () => null });

const detail = el("div", { class: "detail", tabindex: "0", role: "region", "aria-label": "The chosen neuron", "aria-live": "polite" });
const list = neuronList(data.layer, data.list, data.kinds);
const lines = new Map([...list[1].querySelectorAll("tbody tr")].map((line, i) => [data.list[i][0], line]));

function show() {
  const [layer, asked] = pair(fragment()) ?? [];
  const neuron = layer === data.layer && lines.has(asked) ? asked : data.list[0]?.[0];
  if (neuron === undefined) return;
  const { row, content } = neuronSections(data, data.neurons[data.list.findIndex(([n]) => n === neuron)]);
  for (const [other, line] of lines) line.classList.toggle("chosen", other === neuron);
  lines.get(neuron).scrollIntoView({ block: "nearest" });
  const needs = row.needs === undefined ? [data.no_account] : [row.kind, ...neuronNeeds(data.settings, row.needs)];
  detail.replaceChildren(el("h2", {}, `Neuron ${data.layer}.${neuron} `, chip(row.kind)), el("p", { class: "caption needs" }, needs), ...content);
  detail.scrollTop = 0;
}

for (const [neuron, line] of lines)
  line.addEventListener("click", () => { window.location.hash = pageOf.neuron(data.layer, neuron); });
document.getElementById("main").replaceChildren(
  el("h1", {}, data.title),
  el("p", { class: "about" }, `${data.list.length.toLocaleString("en")} neurons with their ${data.hits.toLocaleString("en")} largest activations${data.notes.text ? `, on ${data.notes.text}` : ""}. Choose one to read what it fires on.`),
  ...(data.notes.warnings ?? []).map((warning) => el("p", { class: "warning" }, warning)),
  list[0], el("div", { class: "reader" }, list[1], detail),
  termList(data.terms), allOf("How this was measured", Object.entries(data.notes)));
window.addEventListener("hashchange", show);
show();
