"use strict";
// A tag: the neurons that predict it best, and the heads that look at it.

const WHOSE = { current: "own tag", next: "next word's tag", previous: "previous word's tag" };

function ranking(word, rows) {
  const lines = rows.map(([layer, neuron, kind, auroc, low, high, purity, lift, q]) => [
    neuronLink(layer, neuron), neuronChip(kind), number(auroc, 3), interval(low, high, 3), percent(purity), number(lift, 1), number(q, 3)]);
  return section(WHOSE[word] ?? word, table(`Neurons by AUROC for the ${WHOSE[word] ?? word}`,
    ["neuron", "kind", "AUROC", "95 % interval", "of hits", "lift", "q"], lines));
}

atlas.start(async (target) => {
  const { tags, heads } = atlas.index;
  if (!target) {
    return { title: "Tags", content: tags.length ? [el("p", { class: "about" }, "The neurons that best predict each part of speech:"),
      el("ul", { class: "legend" }, tags.map((tag) => el("li", {}, tagLink(tag))))] : [el("p", {}, "This atlas has no tags.")] };
  }
  const at = tags.findIndex((tag) => tag === target || tag === target.toUpperCase());
  if (at < 0) throw new Error(`There is no tag ${oneLine(target)}; there are ${tags.join(", ")}.`);
  const data = await atlas.load(`tag-${at}`);
  const name = tags[at] === "PROPN" ? "name" : tags[at]; // what the heads table calls it
  const looking = heads.filter((row) => row.looks_at.split("->").pop() === name);
  const words = ["current", "next", "previous"].filter((word) => data.words[word]?.length);
  const to = (tag) => tag && { href: `#${encodeURIComponent(tag)}`, name: tag };
  return {
    title: `Tag ${tags[at]}`,
    previous: to(tags[at - 1]),
    next: to(tags[at + 1]),
    content: [
      el("p", { class: "about" }, "Neurons whose activation predicts this tag, ordered by the lower end of the interval."),
      ...words.map((word) => ranking(word, data.words[word])),
      looking.length ? section("Heads that look at it", table("Heads that look at it beyond position", ["head", "kind", "looks at", "lift"],
        looking.map((row) => [headLink(row.layer, row.head), chip(row.kind), arrow(row.looks_at), number(row.lift)]))) : null,
    ].filter(Boolean),
  };
});
