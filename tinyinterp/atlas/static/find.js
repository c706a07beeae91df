"use strict";
// Everything that a search finds: find.html#sink.

const MOST_LISTED = 200; // of a kind of thing

atlas.start(async (query) => {
  const found = query.trim() ? await finder.find(query.trim()) : [];
  const groups = ["Head", "Neuron", "Tag", "Token", "Layer"].map((what) => [what, found.filter((item) => item.what === what)]);
  const listed = ([what, items]) => {
    const more = items.length > MOST_LISTED ? el("p", { class: "caption" }, `The first ${MOST_LISTED} of ${items.length.toLocaleString("en")}; another word makes them fewer.`) : null;
    const shown = items.slice(0, MOST_LISTED);
    const described = shown.some((item) => item.about);
    const content = described ? table(`${what}s that were found`, [what.toLowerCase(), "what is known of it"],
      shown.map((item) => [link(item.href, item.name), item.about ?? ""]))
      : el("ul", { class: "legend" }, shown.map((item) => el("li", {}, link(item.href, item.name, "token"))));
    return section(`${what}s: ${items.length.toLocaleString("en")}`, ...[more, content].filter(Boolean));
  };
  return {
    title: query ? `Search: ${oneLine(query)}` : "Search",
    content: [
      el("p", { class: "about" }, query ? `${found.length.toLocaleString("en")} found.` : "Type into the field above: "
        + "a head or neuron by name, a kind, a role, a tag, a token, a word of a rule, or several of them."),
      ...groups.filter(([, items]) => items.length).map(listed),
    ],
  };
});
