"use strict";
// What a search finds: heads and neurons by name (L6H7, 6.7), kind, role, tag, token, rule; tags;
// tokens; layers. Several words must all fit.

// Texts as a search reads them: as they are, and with everything but letters and digits as spaces,
// so that "part of speech" finds part-of-speech, and a word finds what begins with it.
function haystack(...texts) {
  const raw = texts.filter(Boolean).join(" ").toLowerCase();
  return ` ${raw} ${raw.replace(/[^\p{L}\p{N}.]+/gu, " ")} `;
}

// A layer as one word, which "layer 4" of a query becomes, too: 4 alone is in many texts.
const inLayer = (layer) => `layer=${layer}`;

function headsToFind(index) {
  return index.heads.map((row) => ({
    what: "Head",
    name: headName(row.layer, row.head),
    about: [row.kind, row.role && arrow(row.role), row.needs && `needs ${row.needs}`].filter(Boolean).join(", "),
    href: pageOf.head(row.layer, row.head),
    text: haystack("head", headName(row.layer, row.head), `${row.layer}.${row.head}`, inLayer(row.layer), row.kind, row.role,
      arrow(row.role), row.looks_at, row.attention, row.needs === undefined ? "" : `needs ${row.needs || NOTHING.head}`),
  }));
}

async function neuronsToFind(index) {
  const loaded = index.neurons.map(({ layer }) => atlas.load(`layer-${layer}`));
  const [layers, rules] = await Promise.all([Promise.all(loaded), atlas.load("rules")]);
  return layers.flatMap(({ layer, neurons }) => neurons.map((row) => {
    const [neuron, kind, tag] = row;
    const [words, needs] = [row[8], row[9]];
    const name = neuronName(layer, neuron);
    const about = [kind, tag, words.slice(0, 3).map(visible).join(" ")].filter(Boolean).join(", ");
    return {
      what: "Neuron",
      name,
      about,
      href: pageOf.neuron(layer, neuron),
      text: haystack("neuron", name, `${layer}.${neuron}`, inLayer(layer), kind, tag, words.join(" "),
        needs === undefined ? "" : `needs ${needs || NOTHING.neuron}`, ...(rules[name] ?? [])),
    };
  }));
}

const finder = {
  items: null,

  // Everything that can be found, in the order in which it is listed; read once, when first asked.
  async all() {
    finder.items ??= (async () => {
      const [index, tokens] = await Promise.all([atlas.load("index"), atlas.load("tokens")]);
      atlas.index ??= index;
      const layers = [...new Set([...index.heads, ...index.neurons].map((row) => row.layer))].sort((a, b) => a - b);
      return [
        ...layers.map((layer) => ({ what: "Layer", name: String(layer), href: pageOf.layer(layer), text: haystack("layer", `l${layer}`, inLayer(layer)) })),
        ...index.tags.map((tag) => ({ what: "Tag", name: tag, href: pageOf.tag(tag), text: haystack("tag", tag) })),
        ...headsToFind(index),
        ...tokens.map((token) => ({ what: "Token", name: visible(token), href: pageOf.token(token), text: haystack("token", token.trim()) })),
        ...await neuronsToFind(index),
      ].filter((item) => item.href);
    })();
    return finder.items;
  },

  // What fits all words of a query, by what it is; what has the name first, then the shortest.
  async find(query) {
    const items = await finder.all();
    const name = /^(?:(h)(?:ead)?|(n)(?:euron)?)?\s*(.+)$/i.exec(query);
    const asked = name && parseName(name[3]);
    if (asked) {
      const what = name[1] ? "head" : name[2] ? "neuron" : asked.what;
      const names = [headName(asked.layer, asked.number), neuronName(asked.layer, asked.number)];
      return items.filter((item) => names.includes(item.name) && (!what || what === item.what.toLowerCase()));
    }
    const words = query.replace(/␣/g, " ").toLowerCase().replace(/\blayer\s+(\d+)\b/g, "layer=$1").split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const fits = items.filter(({ text }) => words.every((word) => text.includes(/\d$/.test(word) ? ` ${word} ` : ` ${word}`)));
    const exact = (item) => (item.what === "Token" || item.what === "Tag") && item.name.replace(/␣/g, "").toLowerCase() === words.join(" ");
    return [...fits.filter(exact), ...fits.filter((item) => !exact(item))];
  },
};
