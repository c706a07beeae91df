"use strict";
// A head: its pattern on stories, why it has its label, its profile, what removing it does.

const MOST_LABELS = 48; // tokens of a story that are written along its map
const chosen = { story: 0, token: null, way: "from" }; // stays when the head changes

const arrow = (role) => role.replace("->", " → ");
const label = (row) => row.role ? `${row.kind}, ${arrow(row.role)}` : row.kind;

// Layers by heads, each a link in the colour of its kind, or of what it needs; the arrow keys walk
// through them.
function headMap(heads, by = "kind") {
  const layers = [...new Set(heads.map((row) => row.layer))];
  const most = Math.max(...heads.map((row) => row.head)) + 1;
  const columns = Array.from({ length: most }, (_, head) => head);
  const rows = layers.map((layer) => {
    const here = heads.filter((row) => row.layer === layer);
    const cells = columns.map((head) => {
      const row = here.find((one) => one.head === head);
      if (!row) return el("td", {});
      const [word, value] = by === "needs" ? row.needs_words : row.words;
      const name = headName(layer, head);
      const said = `Head ${name}: ${by === "needs" ? `needs ${row.needs || "nothing"}` : label(row)}`;
      return el("td", {}, el("a", {
        href: pageOf.head(layer, head),
        class: by === "needs" ? `needs-${row.needs || "none"}` : `kind-${row.kind}`,
        "data-head": name,
        "aria-label": [said, word, value].filter(Boolean).join(", "), // what is seen is heard, too
        title: said,
      }, el("span", {}, word), el("small", {}, value)));
    });
    return el("tr", {}, el("th", { scope: "row" }, `${layer} ${here[0].attention}`), cells);
  });
  const head = el("tr", {}, el("th", { scope: "col" }, "layer"),
    columns.map((number) => el("th", { scope: "col" }, String(number))));
  const map = el("table", { class: "map" }, el("thead", {}, head), el("tbody", {}, rows));
  map.addEventListener("keydown", walk);
  const hint = el("p", { class: "caption", hidden: "" }, `Scroll the map sideways: it has ${most} heads a layer.`);
  return el("div", {}, hint, scrolling("Map of heads", map, hint));
}

const walked = { name: null }; // the head that the arrow keys came to last: the focus stays in the map
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function walk(event) {
  const step = STEPS[event.key];
  const [layer, head] = pair(document.activeElement.dataset.head ?? "", "head") ?? [];
  if (!step || layer === undefined) return;
  event.preventDefault();
  const next = event.currentTarget.querySelector(`[data-head="${headName(layer + step[0], head + step[1])}"]`);
  next?.focus();
  if (!next?.getAttribute("href").startsWith("#")) return;
  if (window.location.hash === next.hash) return;
  walked.name = next.dataset.head;
  window.location.hash = next.hash; // on this page
}

// Kind and effect are two statements: where the head looks, and what the loss needs of it.
function keptByPosition(row) {
  if (row.position_keeps === undefined || row.position_keeps === null) return null;
  const keeps = `Position alone keeps ${number(row.position_keeps)} (${interval(row.position_keeps_low, row.position_keeps_high)}) of the head’s effect on the loss`;
  if (!row.causal_check) return el("p", {}, `${keeps}.`);
  const most = (row.kind === "positional") === (row.causal_check === "agrees");
  return el("p", {}, `${keeps}: position is ${most ? "" : "not "}most of what the loss needs of it. Its kind, ${row.kind}, says where it looks.`);
}

function causal(row) {
  if (row.ablation_loss_increase === undefined || row.ablation_loss_increase === null) return null;
  const line = (name, value, low, high) => [name, number(row[value], 4), interval(row[low], row[high], 4)];
  return section("Causal check", table("Rise in loss, nats per token", ["intervention", "rise", "95 % interval"], [
    line("output replaced by its mean", "ablation_loss_increase", "ablation_low", "ablation_high"),
    line("pattern replaced by that of position alone", "surrogate_loss_increase", "surrogate_low", "surrogate_high"),
  ]), keptByPosition(row));
}

function lookedAt(row, tags) {
  if (!row.looks_at) return null;
  const asked = row.looks_at.split("->").pop();
  const tag = tags.find((one) => asked === one || (asked === "name" && one === "PROPN"));
  const token = /^token '(.*)'$/.exec(row.looks_at);
  const name = tag ? [row.looks_at, " (", tagLink(tag), ")"] : token ? ["the token ", tokenLink(token[1])] : arrow(row.looks_at);
  return section("What it looks at beyond position", facts([
    ["looks at", name],
    ["lift", `${number(row.looks_at_lift)} times what position alone gives (${interval(row.looks_at_low, row.looks_at_high)})`],
    ["share of attention", percent(row.looks_at_share)],
    ["explains", `${percent(row.looks_at_tells)} of what position leaves unexplained`],
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

// The tokens of a short story along the map, one a row and one a column.
function axes(tokens) {
  if (tokens.length > MOST_LABELS) return [];
  return ["rows", "columns"].map((side) => el("div", { class: side, "aria-hidden": "true",
    style: { "font-size": `min(10px, ${(80 / tokens.length).toFixed(2)}cqw)` } },
    tokens.map((token) => el("span", {}, visible(token)))));
}

// The story as tokens to walk through, the pattern as a map, and what is seen in words.
function pattern(patterns, stories) {
  const all = stories.stories;
  chosen.story = Math.min(chosen.story, all.length - 1);
  const readout = el("p", { class: "readout", role: "status" });
  const tokenBox = el("div", { class: "story", role: "group", "aria-label": "Tokens of the story; arrow keys go through them" });
  const canvas = el("canvas", { role: "img", "aria-label": "Attention pattern: a row for each query, a column for each key" });
  const mark = el("div", { class: "rowmark" });
  const matrix = el("div", { class: "matrix" });
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
    weights = unpack(patterns[chosen.story], tokens.length, stories.steps, stories.unknown);
    chosen.token = Math.min(chosen.token ?? Math.floor(tokens.length / 2), tokens.length - 1);
    buttons = tokens.map((token, i) => {
      const button = el("button", { type: "button", class: "token" }, visible(token));
      button.addEventListener("mouseenter", () => paint(i));
      button.addEventListener("focus", () => paint(chosen.token = i));
      button.addEventListener("click", () => paint(chosen.token = i));
      return button;
    });
    tokenBox.replaceChildren(...buttons);
    matrix.replaceChildren(...axes(tokens), el("div", { class: "cells" }, canvas, mark));
    matrix.classList.toggle("labelled", tokens.length <= MOST_LABELS);
    canvas.width = canvas.height = tokens.length;
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(tokens.length, tokens.length);
    const never = dark.matches ? [42, 46, 54] : [233, 234, 236]; // keys after the query
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
  const controls = el("div", { class: "filters" }, all.length < 2 ? null :
    pick("Story", names, String(chosen.story), (value) => { chosen.story = Number(value); chosen.token = null; }),
    pick("Show", [["from", "what the token looks at"], ["to", "what looks at the token"]], chosen.way, (value) => { chosen.way = value; }));
  dark.onchange = draw;
  const made = section("Attention on a story", controls, readout,
    el("div", { class: "panel" }, tokenBox, matrix));
  return [made, draw];
}

// All there is to say of a head, as sections; `draw` must be called once they are on the page.
function headSections(data, stories, tags, settings) {
  const { row, why, patterns, profile: weights, examples: strongest, account } = data;
  const [looking, draw] = pattern(patterns, stories);
  const content = [
    looking,
    ...headAccount(data, settings),
    why.length ? section("Why", ...why.map((said) => el("p", {}, said))) : null,
    profile(weights),
    lookedAt(row, tags),
    causal(row),
    examples(strongest, stories.stories),
    allOf("All columns of the table", Object.entries(row).filter(([name]) => !["layer", "head"].includes(name))),
    account ? allOf("All columns of the account", Object.entries(account).filter(([name]) => !["layer", "head"].includes(name))) : null,
  ].filter(Boolean);
  return { content, draw };
}
