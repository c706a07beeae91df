"use strict";
// A layer: its heads, and its neurons as a list; layer.html#4:word begins with one kind, and
// layer.html#4:needs token with the neurons that need the token.

function everyLayer(index, layers) {
  const rows = layers.map((layer) => [layerLink(layer), String(index.heads.filter((row) => row.layer === layer).length),
    (index.neurons.find((row) => row.layer === layer)?.neurons ?? 0).toLocaleString("en")]);
  return { title: "Layers", content: [table("Layers", ["layer", "heads", "neurons"], rows)] };
}

atlas.start(async (target) => {
  const match = /^L?(\d+)(?::(.*))?$/i.exec(target);
  const layer = match && Number(match[1]);
  const { index } = atlas;
  const layers = [...new Set([...index.heads, ...index.neurons].map((row) => row.layer))].sort((a, b) => a - b);
  if (!target) return everyLayer(index, layers);
  const heads = index.heads.filter((row) => row.layer === layer);
  const counted = index.neurons.find((row) => row.layer === layer);
  if (!match || (!heads.length && !counted)) throw new Error(`There is no layer ${oneLine(target)}.`);
  const kind = match[2];
  const sought = kind?.startsWith("needs ") ? kind : "";
  const at = layers.indexOf(layer);
  const to = (number) => number === undefined ? null : { href: `#${number}${kind ? `:${kind}` : ""}`, name: `Layer ${number}` };
  const content = [];
  if (heads.length) {
    content.push(section("Heads", el("ul", { class: "legend" }, heads.map((row) =>
      el("li", {}, headLink(layer, row.head), " ", chip(row.kind), row.needs === undefined ? "" : [" ", needsChip(row.needs, row.needs ? `needs ${row.needs}` : null)], row.role ? ` ${arrow(row.role)}` : "")))));
  }
  if (index.account) content.push(layerLadder(index.account, layer));
  if (counted) {
    const { neurons } = await atlas.load(`layer-${layer}`);
    content.push(section("Neurons", ...neuronList(layer, neurons, index.neuron_kinds, sought ? null : kind, sought)));
  }
  return { title: `Layer ${layer}`, previous: to(layers[at - 1]), next: to(layers[at + 1]), content: content.filter(Boolean) };
});
