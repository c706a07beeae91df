"use strict";
// The overview: heads by kind, neurons by kind, tags, the model card.

function neuronShares(index) {
  const present = index.neuron_kinds.filter((kind) => index.neurons.some((row) => row.kinds[kind]));
  const rows = index.neurons.map((row) => {
    const bar = el("div", { class: "shares", "aria-hidden": "true" }, present.map((kind) => el("span", {
      class: `kind-${kind}`,
      style: { "flex-grow": row.kinds[kind] ?? 0 },
      title: `${kind}: ${row.kinds[kind] ?? 0}`,
    })));
    const counts = present.map((kind) => row.kinds[kind]
      ? el("a", { href: `layer.html#${row.layer}:${kind}` }, String(row.kinds[kind])) : "0");
    return [el("a", { href: `layer.html#${row.layer}` }, String(row.layer)), bar, ...counts];
  });
  return table("Neurons of each layer by kind", ["layer", "shares", ...present], rows);
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
  const heads = section("Heads", legend(index.heads.map((row) => [row.kind, 1]), index.head_kinds), headMap(index.heads));
  const neurons = index.neurons.length ? section("Neurons",
    legend(index.neurons.flatMap((row) => Object.entries(row.kinds)), index.neuron_kinds), neuronShares(index)) : null;
  const tags = index.tags.length ? section("Tags", el("p", {}, "The neurons that best predict each part of speech:"),
    el("ul", { class: "legend" }, index.tags.map((tag) => el("li", {}, tagLink(tag))))) : null;
  const card = section("Model card", el("div", { class: "card" },
    index.facts.map(([title, pairs]) => el("div", {}, el("h3", {}, title), facts(pairs)))));
  return {
    title: `Atlas of ${index.model}`,
    content: [el("p", { class: "about" }, about),
      ...index.warnings.map((warning) => el("p", { class: "warning" }, warning)),
      heads, neurons, tags, card, certificate(index), termList(index.terms),
      ...Object.entries(index.notes).filter(([, notes]) => Object.keys(notes).length)
        .map(([what, notes]) => allOf(`How the ${what} were measured`, Object.entries(notes)))].filter(Boolean),
  };
});
