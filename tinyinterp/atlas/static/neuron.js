"use strict";
// A neuron; without one in the address, the layers to choose from.

function neuronAt(layer, neuron) {
  const { neurons } = atlas.index;
  const at = neurons.findIndex((row) => row.layer === layer);
  const target = (l, n) => ({ href: `#${neuronName(l, n)}`, name: `Neuron ${neuronName(l, n)}` });
  const before = neurons[at - 1];
  const after = neurons[at + 1];
  return {
    previous: neuron > 0 ? target(layer, neuron - 1) : before && target(before.layer, before.neurons - 1),
    next: neuron + 1 < neurons[at].neurons ? target(layer, neuron + 1) : after && target(after.layer, 0),
  };
}

function everyLayer() {
  const { neurons } = atlas.index;
  if (!neurons.length) throw new Error("This atlas has no neurons: it was written without a census of them.");
  const rows = neurons.map((row) => [layerLink(row.layer), row.neurons.toLocaleString("en"),
    neuronLink(row.layer, 0), neuronLink(row.layer, row.neurons - 1)]);
  return { title: "Neurons", content: [
    el("p", { class: "about" }, "Choose a layer for the list of its neurons, or search for one by name, kind, tag or token."),
    table("Neurons by layer", ["layer", "neurons", "first", "last"], rows)] };
}

atlas.start(async (target) => {
  if (!target) return everyLayer();
  const head = parseName(target)?.what === "head";
  if (head) return window.location.replace(`head.html#${encodeURIComponent(target)}`);
  const numbers = pair(target, "neuron");
  const layers = atlas.index.neurons.find((row) => numbers && row.layer === numbers[0]);
  if (!layers || numbers[1] >= layers.neurons) {
    throw new Error(`There is no neuron ${oneLine(target)}.`);
  }
  const [layer, neuron] = numbers;
  const size = atlas.index.chunk;
  const chunk = await atlas.load(`neurons-${layer}-${Math.floor(neuron / size)}`);
  const { row, account, content } = neuronSections({ ...chunk, settings: atlas.index.account }, chunk.neurons[neuron % size]);
  return {
    title: `Neuron ${neuronName(layer, neuron)}`,
    name: neuronName(layer, neuron),
    ...neuronAt(layer, neuron),
    content: [el("p", { class: "about" }, neuronChip(row.kind),
      account ? [...neuronNeeds(atlas.index.account, account.needs), " · "] : " ", layerLink(layer)), ...content],
  };
});
