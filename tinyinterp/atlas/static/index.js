"use strict";
// The overview: heads by kind, neurons by kind, tags, the model card.

function headMap(index) {
  const layers = [...new Set(index.heads.map((row) => row.layer))];
  const most = Math.max(...index.heads.map((row) => row.head)) + 1;
  const columns = Array.from({ length: most }, (_, head) => head);
  const rows = layers.map((layer) => {
    const here = index.heads.filter((row) => row.layer === layer);
    const cells = columns.map((head) => {
      const row = here.find((one) => one.head === head);
      if (!row) return el("td", {});
      const look = index.head_kinds[row.kind] ?? index.head_kinds.undetermined;
      const [words, value] = row.words;
      return el("td", {}, el("a", {
        href: `head.html#${layer}.${head}`,
        style: { background: look.colour, color: look.ink },
        "aria-label": `Head ${layer}.${head}: ${row.kind}${row.role ? `, ${row.role}` : ""}`,
        title: `Head ${layer}.${head}: ${row.kind}${row.role ? `, ${row.role}` : ""}`,
      }, el("span", {}, words), el("small", {}, value)));
    });
    return el("tr", {}, el("th", { scope: "row" }, `${layer} ${here[0].attention}`), cells);
  });
  const head = el("tr", {}, el("th", { scope: "col" }, "layer"),
    columns.map((number) => el("th", { scope: "col" }, String(number))));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Map of heads" },
    el("table", { class: "map" }, el("thead", {}, head), el("tbody", {}, rows)));
}

function legend(rows, colours) {
  const counts = new Map();
  for (const [kind, count] of rows) counts.set(kind, (counts.get(kind) ?? 0) + count);
  return el("ul", { class: "legend" }, Object.keys(colours).filter((kind) => counts.get(kind))
    .map((kind) => el("li", {}, chip(kind, colours, `${kind} ${counts.get(kind).toLocaleString("en")}`))));
}

function neuronShares(index) {
  const kinds = Object.keys(index.neuron_kinds);
  const present = kinds.filter((kind) => index.neurons.some((row) => row.kinds[kind]));
  const rows = index.neurons.map((row) => {
    const bar = el("div", { class: "shares", "aria-hidden": "true" }, present.map((kind) => el("span", {
      style: { background: index.neuron_kinds[kind].colour, "flex-grow": row.kinds[kind] ?? 0 },
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
    row.limit.toExponential(0), row.passed ? "passed" : "FAILED"]);
  return section("Certificate of conversion",
    el("p", {}, passed ? "The hooked model computes what the checkpoint computes; largest relative differences:"
      : "The hooked model does NOT compute what the checkpoint computes:"),
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
  const heads = section("Heads", legend(index.heads.map((row) => [row.kind, 1]), index.head_kinds), headMap(index));
  const neurons = index.neurons.length ? section("Neurons",
    legend(index.neurons.flatMap((row) => Object.entries(row.kinds)), index.neuron_kinds), neuronShares(index)) : null;
  const tags = index.tags.length ? section("Tags", el("p", {}, "Which neurons tell a part of speech:"),
    el("ul", { class: "legend" }, index.tags.map((tag) => el("li", {}, tagLink(tag))))) : null;
  const card = section("Model card", el("div", { class: "card" },
    index.facts.map(([title, pairs]) => el("div", {}, el("h3", {}, title), facts(pairs)))));
  return {
    title: `Atlas of ${index.model}`,
    content: [el("p", { class: "about" }, about),
      ...index.warnings.map((warning) => el("p", { class: "warning" }, warning)),
      heads, neurons, tags, card, certificate(index)].filter(Boolean),
  };
});
