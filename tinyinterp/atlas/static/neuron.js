"use strict";
// A neuron: what it fires on, how often, which tags it tells, which tokens it makes likelier.

function neuronAt(layer, neuron) {
  const { neurons } = atlas.index;
  const at = neurons.findIndex((row) => row.layer === layer);
  const target = (l, n) => ({ href: `#${l}.${n}`, name: `Neuron ${l}.${n}` });
  const before = neurons[at - 1];
  const after = neurons[at + 1];
  return {
    previous: neuron > 0 ? target(layer, neuron - 1) : before && target(before.layer, before.neurons - 1),
    next: neuron + 1 < neurons[at].neurons ? target(layer, neuron + 1) : after && target(after.layer, 0),
  };
}

// Hits in their contexts; the darker the token, the nearer its activation to the largest of all.
function contexts(title, hits, note) {
  if (!hits.length) return null;
  const largest = Math.max(...hits.map(([activation]) => Math.abs(activation)), 1e-12);
  const items = hits.map(([activation, before, token, after, tag, story, position]) => {
    const share = 0.12 + 0.33 * (Math.abs(activation) / largest);
    const marked = el("mark", { style: { "background-color": `rgba(var(--hit), ${share.toFixed(3)})` } },
      tokenLink(token, oneLine(token) || visible(token)));
    return el("li", { title: `story ${story}, position ${position}` },
      el("span", { class: "activation" }, number(activation)),
      el("span", { class: "before" }, el("span", {}, oneLine(before))),
      marked,
      el("span", { class: "after" }, oneLine(after)),
      el("span", { class: "tag" }, tag || ""));
  });
  return section(title, note ? el("p", { class: "caption" }, note) : null, el("ol", { class: "contexts kwic" }, items));
}

function tags(found) {
  if (!found.length) return null;
  const rows = found.map(([whose, tag, auroc, low, high, purity, lift, q]) => [
    [tagLink(tag), whose === "current" ? "" : ` (${whose} word)`], track(auroc, low, high), number(auroc, 3),
    interval(low, high, 3), percent(purity), number(lift, 1), number(q, 3)]);
  return section("Tags that it tells", el("p", { class: "caption" },
    "AUROC: how well the activation tells tokens of the tag from the others; .5 is chance."),
    table("Tags by AUROC", ["tag", "from 0 to 1", "AUROC", "95 % interval", "of hits", "lift", "q"], rows));
}

function track(value, low, high) {
  const place = (x) => `${(100 * x).toFixed(1)}%`;
  const parts = low === null || low === undefined ? []
    : [el("span", { class: "range", style: { left: place(low), width: place(Math.max(0, high - low)) } })];
  return el("span", { class: "track", "aria-hidden": "true" }, ...parts, el("span", { class: "dot", style: { left: place(value) } }));
}

function histogram(data) {
  if (!data) return null;
  const [low, high, counts] = data;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const edge = (i) => low + ((high - low) * i) / counts.length;
  const title = `Histogram of ${total.toLocaleString("en")} sampled activations from ${number(low)} to ${number(high)}`;
  const ticks = [0, Math.floor(counts.length / 2), counts.length - 1].map((i) => [i, number(edge(i + 0.5))]);
  return section("Histogram", el("p", { class: "caption" }, `${title}; heights are on a logarithmic scale.`),
    bars(title, counts.map((count) => Math.log1p(count)),
      (i) => `${number(edge(i), 3)} to ${number(edge(i + 1), 3)}: ${counts[i].toLocaleString("en")}`, ticks));
}

function effects(row) {
  if (!row.raises?.length && !row.lowers?.length) return null;
  return section("What it does to the next token", el("p", { class: "caption" },
    "By its output weights alone, without what later layers make of them."),
    facts([["raises", tokenList(row.raises ?? [])], ["lowers", tokenList(row.lowers ?? [])]]));
}

atlas.start(async (target) => {
  const numbers = pair(target);
  const layers = atlas.index.neurons.find((row) => numbers && row.layer === numbers[0]);
  if (!layers || numbers[1] >= layers.neurons) {
    throw new Error(target ? `There is no neuron ${target}.` : "Name a neuron in the address: neuron.html#0.0");
  }
  const [layer, neuron] = numbers;
  const size = atlas.index.chunk;
  const chunk = await atlas.load(`neurons-${layer}-${Math.floor(neuron / size)}`);
  const data = chunk.neurons[neuron % size];
  const row = Object.fromEntries(chunk.columns.map((name, i) => [name, data.row[i]]));
  const shown = Object.entries(row).filter(([name]) => name !== "neuron" && name !== "raises" && name !== "lowers")
    .map(([name, value]) => [name, Array.isArray(value) ? tokenList(value) : typeof value === "number" ? number(value, 4) : value || "–"]);
  const whose = row.best_target && row.best_target !== "current" ? ` (${row.best_target} word)` : "";
  return {
    title: `Neuron ${layer}.${neuron}`,
    ...neuronAt(layer, neuron),
    content: [
      el("p", { class: "about" }, neuronChip(row.kind), " ", el("a", { href: `layer.html#${layer}` }, `layer ${layer}`)),
      facts([
        ["words", row.words?.length ? [tokenList(row.words), ` (${percent(row.word_share)} of its hits)`] : null],
        ["best tag", row.best_tag ? [tagLink(row.best_tag), `${whose}: AUROC ${number(row.auroc, 3)} (${interval(row.auroc_low, row.auroc_high, 3)})`] : null],
        ["by token alone", row.best_tag && row.token_auroc !== undefined ? `AUROC ${number(row.token_auroc, 3)}` : null],
        ["above zero", row.density === undefined ? null : `on ${percent(row.density)} of the tokens`],
        ["position explains", row.position_share === undefined ? null : percent(Math.max(0, row.position_share))],
        ["hits", row.hits ? `${row.hits} on ${row.types ?? "?"} token types` : null],
      ]),
      contexts("Largest activations", data.top),
      contexts("Smallest activations", data.bottom),
      effects(row),
      tags(data.tags),
      histogram(data.histogram),
      el("details", {}, el("summary", {}, "All numbers of the table"), facts(shown)),
    ].filter(Boolean),
  };
});
