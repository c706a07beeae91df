"use strict";
// Heads and neurons by name, and where their pages are: L6H7 is head 7 of layer 6, L4N428 neuron 428
// of layer 4. These are the names in addresses, too; #6.7, the older form, still opens.

const headName = (layer, head) => `L${layer}H${head}`;
const neuronName = (layer, neuron) => `L${layer}N${neuron}`;
const NAME = /^\s*#?\s*(?:L\s*)?(\d{1,6})\s*([HN./])\s*(\d{1,9})\s*$/i;

// "L6H7" as {what: "head", layer: 6, number: 7}; of "6.7" `what` is empty. Null: it is no name.
function parseName(text) {
  const match = NAME.exec(text);
  if (!match) return null;
  const what = { H: "head", N: "neuron" }[match[2].toUpperCase()] ?? "";
  return { what, layer: Number(match[1]), number: Number(match[3]) };
}

// Layer and number of a name that can be that of a head, or of a neuron; null otherwise.
function pair(text, what) {
  const name = parseName(text);
  return name && (name.what === "" || name.what === what) ? [name.layer, name.number] : null;
}

// What follows # in the address.
function fragment() {
  try {
    return decodeURIComponent(window.location.hash.slice(1));
  } catch {
    return window.location.hash.slice(1);
  }
}

// Writes an older form of an address as the one that is used everywhere, without a new entry in
// the history.
function nameInAddress(name) {
  if (fragment() && fragment() !== name) window.history.replaceState(null, "", `#${name}`);
}

// Where the page of a thing is; null where there is none, and its name stands without a link.
// A page that is one file says otherwise.
const pageOf = {
  head: (layer, head) => `head.html#${headName(layer, head)}`,
  neuron: (layer, neuron) => `neuron.html#${neuronName(layer, neuron)}`,
  layer: (layer) => `layer.html#${layer}`,
  tag: (tag) => `tag.html#${encodeURIComponent(tag)}`,
  token: (token) => {
    try {
      return `token.html#${encodeURIComponent(token)}`;
    } catch {
      return null; // half of a surrogate pair
    }
  },
};

function link(href, text, name) {
  return el(href ? "a" : "span", { href, class: name }, text);
}

const headLink = (layer, head) => link(pageOf.head(layer, head), headName(layer, head));
const neuronLink = (layer, neuron) => link(pageOf.neuron(layer, neuron), neuronName(layer, neuron));
const layerLink = (layer) => link(pageOf.layer(layer), `layer ${layer}`);
const tagLink = (tag) => link(pageOf.tag(tag), tag);
const tokenLink = (token, text) => link(pageOf.token(token), text ?? visible(token), "token");

function tokenList(tokens) {
  return tokens.flatMap((token, i) => (i ? [" ", tokenLink(token)] : [tokenLink(token)]));
}
