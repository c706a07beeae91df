"use strict";
// The overview: heads by kind, neurons by kind, tags, the model card.

// A row for each layer. `counts(row)` says how many neurons there are of each `present` name.
function neuronShares(index, by) {
  const needs = by === "needs";
  const all = needs ? NEEDS_ORDER : index.neuron_kinds;
  const counted = (row) => (needs ? row.needs : row.kinds) ?? {};
  const named = (one) => one || NOTHING.neuron;
  const present = all.filter((one) => index.neurons.some((row) => counted(row)[one]));
  const rows = index.neurons.map((row) => {
    const bar = el("div", { class: "shares", "aria-hidden": "true" }, present.map((one) => el("span", {
      class: needs ? `needs-${one || "none"}` : `kind-${one} of-neuron`,
      style: { "flex-grow": counted(row)[one] ?? 0 },
      title: `${named(one)}: ${counted(row)[one] ?? 0}`,
    })));
    const counts = present.map((one) => counted(row)[one]
      ? el("a", { href: `layer.html#${row.layer}:${needs ? encodeURIComponent(`needs ${named(one)}`) : one}` }, String(counted(row)[one])) : "0");
    return [el("a", { href: `layer.html#${row.layer}` }, String(row.layer)), bar, ...counts];
  });
  return table(`Neurons of each layer by ${needs ? "what they need" : "kind"}`, ["layer", "shares", ...present.map(named)], rows);
}

function certificate(index) {
  if (!index.certificate.length) return null;
  const passed = index.certificate.every((row) => row.passed);
  const rows = index.certificate.map((row) => [row.reference,
    Object.entries(row.worst).map(([name, value]) => `${name} ${value.toExponential(1)}`).join(", "),
    row.limit.toExponential(0), row.passed ? "passed" : "failed"]);
  return section("Certificate of conversion",
    el("p", {}, passed ? "The hooked model computes what the checkpoint computes; largest relative differences:"
      : "The hooked model does not compute what the checkpoint computes:"),
    table("Comparisons", ["reference", "differences", "limit", "verdict"], rows));
}

function measuredOn(index) {
  const { heads, neurons } = index.notes;
  const say = (what, notes) => notes.tokens
    ? `${what} were measured on ${notes.tokens.toLocaleString("en")} tokens of ${notes.text}.` : "";
  return [say("Heads", heads), say("Neurons", neurons)].filter(Boolean).join(" ");
}

atlas.start(() => {
  const { index } = atlas;
  const nNeurons = index.neurons.reduce((sum, row) => sum + row.neurons, 0);
  const about = `${index.heads.length} heads and ${nNeurons.toLocaleString("en")} neurons. ${measuredOn(index)}`;
  const headsBy = (by) => [by === "needs" ? needsLegend(index.heads.map((row) => [row.needs, 1]), "head")
    : legend(index.heads.map((row) => [row.kind, 1]), index.head_kinds), headMap(index.heads, by)];
  const neuronsBy = (by) => [by === "needs" ? needsLegend(index.neurons.flatMap((row) => Object.entries(row.needs)), "neuron")
    : legend(index.neurons.flatMap((row) => Object.entries(row.kinds)), index.neuron_kinds, neuronChip), neuronShares(index, by)];
  const ways = [["kind", "kind"], ["needs", "needs"]];
  const heads = section("Heads", ...(index.account ? switched("Coloured by", ways, headsBy) : headsBy("kind")));
  const neurons = index.neurons.length ? section("Neurons",
    ...(index.neurons.every((row) => row.needs) ? switched("Counted by", ways, neuronsBy) : neuronsBy("kind"))) : null;
  const tags = index.tags.length ? section("Tags", el("p", {}, "The neurons that best predict each part of speech:"),
    el("ul", { class: "legend" }, index.tags.map((tag) => el("li", {}, tagLink(tag))))) : null;
  const card = section("Model card", el("div", { class: "card" },
    index.facts.map(([title, pairs]) => el("div", {}, el("h3", {}, title), facts(pairs)))));
  return {
    title: `Atlas of ${index.model}`,
    content: [el("p", { class: "about" }, about),
      ...index.warnings.map((warning) => el("p", { class: "warning" }, warning)),
      index.account ? modelAccount(index.account) : null, heads, neurons, tags, card, certificate(index), termList(index.terms),
      ...Object.entries(index.notes).filter(([, notes]) => Object.keys(notes).length)
        .map(([what, notes]) => allOf(`How the ${what} were measured`, Object.entries(notes)))].filter(Boolean),
  };
});
