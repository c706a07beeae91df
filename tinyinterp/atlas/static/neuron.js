"use strict";
// A neuron.

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

atlas.start(async (target) => {
  const numbers = pair(target);
  const layers = atlas.index.neurons.find((row) => numbers && row.layer === numbers[0]);
  if (!layers || numbers[1] >= layers.neurons) {
    throw new Error(target ? `There is no neuron ${target}.` : "Name a neuron in the address: neuron.html#0.0");
  }
  const [layer, neuron] = numbers;
  const size = atlas.index.chunk;
  const chunk = await atlas.load(`neurons-${layer}-${Math.floor(neuron / size)}`);
  const { row, account, content } = neuronSections({ ...chunk, settings: atlas.index.account }, chunk.neurons[neuron % size]);
  return {
    title: `Neuron ${layer}.${neuron}`,
    ...neuronAt(layer, neuron),
    content: [el("p", { class: "about" }, chip(row.kind),
      account ? [...neuronNeeds(atlas.index.account, account.needs), " · "] : " ", layerLink(layer)), ...content],
  };
});
