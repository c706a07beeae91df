// What every head, MLP and neuron adds to one logit.
import { change, state } from "./state.js";
import { headName } from "./heads.js";
import { position } from "./tokens.js";

const ENOUGH = 0.75; // of the largest: from here on a cell is fully coloured

function cell(value, largest, name) {
  const share = Math.min(1, Math.abs(value) / (ENOUGH * largest || 1));
  const colour = value > 0 ? "var(--accent)" : "rgb(var(--hit))";
  const button = el("button", { type: "button", title: `${name}: ${number(value, 3)}`, "aria-label": `${name} adds ${number(value, 3)}` }, number(value));
  button.style.background = `color-mix(in srgb, ${colour} ${(45 * share).toFixed(0)}%, transparent)`;
  button.addEventListener("click", () => change({ head: name }));
  return button;
}

export function drawEffects(box, run, answer) {
  const at = position(run);
  const largest = Math.max(...answer.heads.flat().map(Math.abs));
  const headings = ["layer", ...answer.heads[0].map((_, head) => `H${head}`), "MLP", "bias of attention"];
  const rows = answer.heads.map((layer, i) => [`layer ${i}`, ...layer.map((value, j) => cell(value, largest, headName(i, j))), number(answer.mlps[i]), number(answer.attention_biases[i])]);
  const made = table("Direct effects of heads and MLPs", headings, rows);
  made.querySelector("table").classList.add("grid");
  const neurons = answer.neurons.map((one) => [neuronButton(one.layer, one.neuron), one.kind ? chip(one.kind) : "–", number(one.effect, 3), firesOn(one)]);
  const whose = answer.against === null ? ["the logit of ", quoted(answer.text)] : ["the logit of ", quoted(answer.text), " less that of ", quoted(answer.against_text)];
  box.replaceChildren(el("h2", { id: "effects-title" }, "Direct effect on ", ...whose),
    el("p", { class: "caption" }, `After ${visible(run.tokens[at])} (position ${at}). The logit is a sum: embeddings ${number(answer.embedding, 2)}, heads, MLPs, and the biases of the final norm and output ${number(answer.bias, 2)} make ${number(answer.logit, 3)}, with the final norm’s scale held as it is. Choose another token in the prediction above.`),
    compare(answer), made, el("h3", {}, "Neurons that add most"),
    table("Neurons by their direct effect", ["neuron", "kind", "adds", "fires on"], neurons));
}

function compare(answer) {
  const field = el("input", { type: "text", autocomplete: "off", spellcheck: "false", id: "target" });
  const against = el("input", { type: "text", autocomplete: "off", spellcheck: "false", id: "against" });
  field.value = answer.text;
  against.value = answer.against_text ?? "";
  const form = el("form", { class: "filters" }, el("label", {}, "Token ", field), el("label", {}, "less ", against), el("button", { class: "switch" }, "Show"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.dispatchEvent(new CustomEvent("tokens", { bubbles: true, detail: {
      token: field.value === answer.text ? answer.token : field.value,
      against: !against.value ? null : against.value === answer.against_text ? answer.against : against.value,
    } }));
  });
  return form;
}

const quoted = (text) => el("span", { class: "token" }, visible(text));

export function firesOn(row) {
  if (row.rules?.length) return el("span", { class: "words" }, oneLine(row.rules[0]).slice(0, 90));
  const words = (row.words ?? []).slice(0, 4).map(visible).join("  ");
  return [words, row.best_tag].filter(Boolean).join(" · ") || "–";
}

export function neuronButton(layer, neuron) {
  const name = `L${layer}N${neuron}`;
  const button = el("button", { type: "button", class: state().off.includes(name) ? "plain off" : "plain", "data-name": name }, name);
  button.addEventListener("click", () => change({ neuron: name }));
  return button;
}
