// The neurons that fire most unusually on this text, and one of them close up.
import { change, state, toggle } from "./state.js";
import { firesOn, neuronButton } from "./effects.js";
import { position } from "./tokens.js";

const MOST_SHOWN = 30;

const usual = (one) => (one.quantile >= 1 ? `above all: ${number(one.share)} of the largest` : `above ${number(100 * one.quantile, 2)} %`);

export function drawNeurons(box, run, model) {
  const rows = run.neurons.slice(0, MOST_SHOWN).map((one) => [
    neuronButton(one.layer, one.neuron),
    one.kind ? chip(one.kind) : "–",
    one.needs ?? "–",
    { show: `${visible(run.tokens[one.position])} (${one.position})`, sort: one.position },
    { show: number(one.value), sort: one.value },
    { show: usual(one), sort: one.quantile + one.share / 1e6 },
    firesOn(one),
  ]);
  const counted = model.census_layers.length === model.layers ? "on the text of the census"
    : model.census_layers.length ? `on the text of the census (layers ${model.census_layers.join(", ")}) or on the beginning of the bundled stories`
      : "on the beginning of the bundled stories";
  box.replaceChildren(el("h2", { id: "neurons-title" }, "Neurons that fire most"),
    el("p", { class: "caption" }, `By how unusual their largest activation here is: above what share of their activations ${counted}.`),
    table("Neurons that fire most on this text", ["neuron", "kind", "needs", "at", "activation", "unusual", "fires on"], rows, { sortable: true }));
}

const examples = (hits) => (hits.length ? [el("h3", {}, "Largest activations in the census"), el("ol", { class: "contexts kwic" }, hits.map(([value, before, token, after, tag]) =>
  el("li", {}, el("span", { class: "activation" }, number(value)), el("span", { class: "before" }, el("span", {}, oneLine(before))),
    el("mark", {}, oneLine(token).trim() ? oneLine(token) : visible(token)), el("span", { class: "after" }, oneLine(after)), el("span", { class: "tag" }, tag || ""))))] : []);

export function drawNeuron(box, run, answer) {
  box.hidden = !answer;
  if (!answer) return;
  const { row } = answer;
  const name = `L${answer.layer}N${answer.neuron}`;
  const largest = Math.max(...answer.activations.map(Math.abs), 1e-9);
  const at = position(run);
  const words = run.tokens.map((token, i) => {
    const value = answer.activations[i];
    const button = el("button", { type: "button", class: "word", "aria-pressed": String(i === at), "aria-label": `${visible(token)}: ${number(value)}` },
      visible(token), el("small", {}, number(value)));
    button.style.background = `color-mix(in srgb, ${value > 0 ? "rgb(var(--hit))" : "var(--accent)"} ${((50 * Math.abs(value)) / largest).toFixed(0)}%, transparent)`;
    button.addEventListener("click", () => change({ at: i, token: null, against: null }));
    return button;
  });
  const off = state().off.includes(name);
  const button = el("button", { type: "button", class: "switch", "aria-pressed": String(off), id: "neuron-switch" }, off ? `${name} is off: switch it on` : `Switch ${name} off`);
  button.addEventListener("click", () => toggle(name));
  const focused = document.activeElement?.id === "neuron-switch";
  const known = facts([
    ["best tag", row.best_tag && `${row.best_tag}: AUROC ${number(row.auroc, 3)}`],
    ["needs", row.needs],
    ["words", row.words?.map(visible).join("  ")],
    ["raises", row.raises?.map(visible).join("  ")],
    ["lowers", row.lowers?.map(visible).join("  ")],
    ["largest", number(answer.largest)],
  ]);
  const rules = row.rules?.length ? [el("h3", {}, "Rules"), el("ol", { class: "rules" }, row.rules.map((rule) => el("li", {}, oneLine(rule))))] : [];
  box.replaceChildren(el("h2", { id: "neuron-title" }, `Neuron ${name} `, row.kind ? chip(row.kind) : null), button,
    el("p", { class: "caption" }, "Its activation at each token of this text."),
    el("div", { class: "words-of-text", role: "group", "aria-label": `Activations of ${name}` }, words), known, ...rules, ...examples(answer.examples));
  if (focused) button.focus();
}
