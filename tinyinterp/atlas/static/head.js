"use strict";
// A head: why it is called what it is, its pattern on stories, its profile, what removing it does.

const chosen = { story: 0, token: null, way: "from" }; // stays when the head changes

function neighbours(layer, head) {
  const heads = atlas.index.heads;
  const at = heads.findIndex((row) => row.layer === layer && row.head === head);
  const target = (row) => row && { href: `#${row.layer}.${row.head}`, name: `Head ${row.layer}.${row.head}` };
  return { previous: target(heads[at - 1]), next: target(heads[at + 1]) };
}

function causal(row) {
  if (row.ablation_loss_increase === undefined || row.ablation_loss_increase === null) return null;
  const line = (name, value, low, high) => [name, number(row[value], 4), interval(row[low], row[high], 4)];
  return section("Causal check", table("Rise in loss, nats per token", ["intervention", "rise", "95 % interval"], [
    line("its output replaced by the mean", "ablation_loss_increase", "ablation_low", "ablation_high"),
    line("its pattern replaced by position alone", "surrogate_loss_increase", "surrogate_low", "surrogate_high"),
  ]), el("p", {}, row.causal_check ? `The check ${row.causal_check} with the label.` : ""));
}

function lookedAt(row) {
  if (!row.looks_at) return null;
  const asked = row.looks_at.split("->").pop();
  const tag = atlas.index.tags.find((one) => asked === one || (asked === "name" && one === "PROPN"));
  const token = /^token '(.*)'$/.exec(row.looks_at);
  const name = tag ? [row.looks_at, " (", tagLink(tag), ")"] : token ? ["the token ", tokenLink(token[1])] : row.looks_at.replace("->", " → ");
  return section("What it looks at beyond position", facts([
    ["most", name],
    ["lift", `${number(row.looks_at_lift)} times what position gives (${interval(row.looks_at_low, row.looks_at_high)})`],
    ["share", percent(row.looks_at_share)],
    ["tells", `${percent(row.looks_at_tells)} of what position leaves unexplained`],
  ]));
}

function profile(weights) {
  const ticks = weights.map((_, i) => [i, String(i)]).filter(([i]) => i % 8 === 0);
  const peak = weights.indexOf(Math.max(...weights));
  const title = `Attention by distance, without the first token: largest ${number(weights[peak], 3)} at distance ${peak}`;
  return section("Attention by distance", el("p", { class: "caption" }, `${title}. The distance is in tokens; 0 is the token itself.`),
    bars(title, weights, (i) => `distance ${i}: ${number(weights[i], 3)}`, ticks));
}

function examples(found, stories) {
  if (!found.length) return null;
  const items = found.map(([story, query, key, weight]) => {
    const tokens = stories[story];
    const from = Math.max(0, Math.min(key, query - 14));
    const near = tokens.slice(from, query + 1).map((token, i) => {
      const at = from + i;
      if (at === key) return el("mark", { class: "key" }, visible(token));
      return at === query ? el("strong", {}, visible(token)) : oneLine(token);
    });
    return el("li", {}, el("span", { class: "activation" }, number(weight)),
      el("span", { class: "context" }, tokenLink(tokens[query]), " → ", tokenLink(tokens[key]), ": ",
        el("span", { class: "faint" }, from ? "…" : "", near)));
  });
  return section("Strongest attention", el("p", { class: "caption" },
    "Query → key on the stories above, the first token left out; the key is marked."),
    el("ol", { class: "contexts" }, items));
}

// The story as tokens to walk through, the pattern as a map, and what is seen in words.
function pattern(data, stories) {
  const all = stories.stories;
  const readout = el("p", { class: "readout", role: "status" });
  const tokenBox = el("div", { class: "story", role: "group", "aria-label": "Tokens of the story; arrow keys go through them" });
  const canvas = el("canvas", { role: "img", "aria-label": "The attention pattern: a row for each query, a column for each key" });
  const mark = el("div", { class: "rowmark" });
  let weights = [];
  let buttons = [];

  const paint = (token) => {
    const tokens = all[chosen.story];
    const from = chosen.way === "from";
    buttons.forEach((button, i) => {
      const weight = from ? weights[token][i] : weights[i][token];
      const rgb = weight === undefined || weight === null ? null : attentionColour(weight);
      button.style.background = rgb ? `rgb(${rgb})` : "none";
      button.style.color = rgb ? inkOn(rgb) : "";
      button.setAttribute("aria-current", i === token ? "true" : "false");
      button.tabIndex = i === token ? 0 : -1;
    });
    mark.style.setProperty(from ? "top" : "left", `${(100 * token) / tokens.length}%`);
    mark.style.setProperty(from ? "left" : "top", "0");
    mark.style.width = from ? "100%" : `${100 / tokens.length}%`;
    mark.style.height = from ? `${100 / tokens.length}%` : "100%";
    const others = tokens.map((_, i) => [i, from ? weights[token][i] : weights[i][token]])
      .filter(([, weight]) => weight).sort((a, b) => b[1] - a[1]).slice(0, 5);
    const said = others.map(([i, weight]) => `${visible(tokens[i])} (${i}) ${number(weight)}`).join(", ");
    readout.textContent = `${visible(tokens[token])} (${token}) ${from ? "looks at" : "is looked at by"}: ${said || "nothing"}`;
  };

  const draw = () => {
    const tokens = all[chosen.story];
    weights = unpack(data.patterns[chosen.story], tokens.length, stories.steps, stories.unknown);
    chosen.token = Math.min(chosen.token ?? Math.floor(tokens.length / 2), tokens.length - 1);
    buttons = tokens.map((token, i) => {
      const button = el("button", { type: "button", class: "token" }, visible(token));
      button.addEventListener("mouseenter", () => paint(i));
      button.addEventListener("focus", () => paint(chosen.token = i));
      button.addEventListener("click", () => paint(chosen.token = i));
      return button;
    });
    tokenBox.replaceChildren(...buttons);
    canvas.width = canvas.height = tokens.length;
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(tokens.length, tokens.length);
    const never = dark.matches ? [42, 46, 54] : [233, 234, 236];
    for (let query = 0, at = 0; query < tokens.length; query++) {
      for (let key = 0; key < tokens.length; key++, at += 4) {
        const weight = weights[query][key];
        pixels.data.set([...(weight === undefined || weight === null ? never : attentionColour(weight)), 255], at);
      }
    }
    context.putImageData(pixels, 0, 0);
    paint(chosen.token);
  };

  tokenBox.addEventListener("mouseleave", () => paint(chosen.token));
  tokenBox.addEventListener("keydown", (event) => {
    const last = buttons.length - 1;
    const to = { ArrowRight: chosen.token + 1, ArrowLeft: chosen.token - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons[Math.min(last, Math.max(0, to))].focus();
  });
  canvas.addEventListener("mousemove", (event) => {
    const size = weights.length;
    const box = canvas.getBoundingClientRect();
    const query = Math.min(size - 1, Math.floor(((event.clientY - box.top) / box.height) * size));
    const key = Math.min(size - 1, Math.floor(((event.clientX - box.left) / box.width) * size));
    const tokens = all[chosen.story];
    paint(chosen.way === "from" ? query : key);
    const weight = weights[query][key];
    readout.textContent = weight === undefined ? `${visible(tokens[query])} (${query}) comes before ${visible(tokens[key])} (${key}) and cannot look at it`
      : `${visible(tokens[query])} (${query}) looks at ${visible(tokens[key])} (${key}): ${number(weight, 3)}`;
  });
  canvas.addEventListener("mouseleave", () => paint(chosen.token));

  const pick = (label, options, value, change) => {
    const select = el("select", {}, options.map(([key, text]) => el("option", { value: key }, text)));
    select.value = value;
    select.addEventListener("change", () => { change(select.value); draw(); });
    return el("label", {}, label, " ", select);
  };
  const names = all.map((tokens, i) => [String(i), `${i + 1}: ${tokens.slice(1, 9).map(oneLine).join("").trim()}…`]);
  const controls = el("div", { class: "filters" },
    pick("Story", names, String(chosen.story), (value) => { chosen.story = Number(value); chosen.token = null; }),
    pick("Show", [["from", "what the token looks at"], ["to", "what looks at the token"]], chosen.way, (value) => { chosen.way = value; }));
  dark.onchange = draw;
  const made = section("Attention on a story", controls, readout,
    el("div", { class: "panel" }, tokenBox, el("div", { class: "matrix" }, canvas, mark)));
  return [made, draw];
}

atlas.start(async (target) => {
  const numbers = pair(target);
  const known = numbers && atlas.index.heads.find((row) => row.layer === numbers[0] && row.head === numbers[1]);
  if (!known) throw new Error(target ? `There is no head ${target}.` : "Name a head in the address: head.html#0.0");
  const [layer, head] = numbers;
  const [data, stories] = await Promise.all([atlas.load(`head-${layer}.${head}`), atlas.load("stories")]);
  const { row } = data;
  const [looking, draw] = pattern(data, stories);
  const shown = Object.entries(row).filter(([name]) => !["layer", "head"].includes(name))
    .map(([name, value]) => [name, typeof value === "number" ? number(value, 4) : value ?? "–"]);
  return {
    title: `Head ${layer}.${head}`,
    ...neighbours(layer, head),
    content: [
      el("p", { class: "about" }, headChip(row.kind), " ", row.role ? `${row.role.replace("->", " → ")}, ` : "",
        row.attention ?? "", row.attention ? " attention, " : "", el("a", { href: `layer.html#${layer}` }, `layer ${layer}`)),
      looking,
      data.why.length ? section("Why", ...data.why.map((said) => el("p", {}, said))) : null,
      profile(data.profile),
      lookedAt(row),
      causal(row),
      examples(data.examples, stories.stories),
      el("details", {}, el("summary", {}, "All numbers of the table"), facts(shown)),
    ].filter(Boolean),
    shown: draw,
  };
});
