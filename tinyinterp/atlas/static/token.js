"use strict";
// A token: the neurons that fire on it, and those that make it likelier or less likely to be next.

const MOST_TOKENS = 300; // that the list shows at once

// All tokens that a neuron lists, with a field that finds those of a few letters.
function everyToken(tokens) {
  const field = el("input", { type: "search", placeholder: "letters of a token", "aria-label": "Search tokens" });
  const found = el("span", { class: "caption", role: "status" });
  const list = el("ul", { class: "legend" });
  const filter = () => {
    const wanted = field.value.replace(/␣/g, " ").toLowerCase();
    const fits = tokens.filter((token) => token.toLowerCase().includes(wanted) && pageOf.token(token));
    list.replaceChildren(...fits.slice(0, MOST_TOKENS).map((token) => el("li", {}, tokenLink(token))));
    found.textContent = `${Math.min(MOST_TOKENS, fits.length).toLocaleString("en")} of ${fits.length.toLocaleString("en")} shown`;
  };
  field.addEventListener("input", filter);
  filter();
  return { title: "Tokens", content: [
    el("p", { class: "about" }, "Tokens among the largest activations of some neuron, or whose logit one raises or lowers."),
    el("div", { class: "filters" }, field, found), list] };
}

atlas.start(async (target) => {
  const tokens = await atlas.load("tokens");
  if (!target) return everyToken(tokens);
  let at = tokens.indexOf(target);
  if (at < 0) at = tokens.indexOf(` ${target}`); // #dog finds " dog", too
  if (at < 0) throw new Error(`No neuron lists the token ${visible(target)}.`);
  const token = tokens[at];
  const size = atlas.index.token_chunk;
  const data = (await atlas.load(`tokens-${Math.floor(at / size)}`))[at % size];
  const fires = data.fires.map(([layer, neuron, kind, hits, of, largest]) => [
    neuronLink(layer, neuron), neuronChip(kind), `${hits} of ${of}`, number(largest)]);
  const ranked = (rows) => rows.map(([layer, neuron, kind, rank]) => [neuronLink(layer, neuron), neuronChip(kind), String(rank)]);
  const list = (title, caption, headings, rows) => rows.length ? section(title, table(caption, headings, rows)) : null;
  const asked = `token '${token}'`;
  const heads = atlas.index.heads.filter((row) => row.looks_at === asked);
  const to = (other) => other === undefined ? null : { href: pageOf.token(other), name: visible(other) };
  const more = data.count > data.fires.length ? ` The first ${data.fires.length} of ${data.count}.` : "";
  return {
    title: `Token ${visible(token)}`,
    previous: to(tokens[at - 1]),
    next: to(tokens[at + 1]),
    content: [
      el("p", { class: "about" }, `Neurons with this token among their largest activations, by its share of them.${more}`),
      list("Neurons that fire on it", "Neurons that fire on it", ["neuron", "kind", "largest activations", "largest"], fires),
      list("Neurons that make it likelier as the next token", "Neurons that raise its logit, by their output weights", ["neuron", "kind", "rank"], ranked(data.raises)),
      list("Neurons that make it less likely", "Neurons that lower its logit, by their output weights", ["neuron", "kind", "rank"], ranked(data.lowers)),
      heads.length ? section("Heads that look at it", el("p", {}, heads.map((row) => [headLink(row.layer, row.head), " "]).flat())) : null,
    ].filter(Boolean),
  };
});
