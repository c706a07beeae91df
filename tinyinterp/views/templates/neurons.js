// The chosen neuron is the page's fragment, #L4N17, so that links, bookmarks and "back" work.
const data = JSON.parse(document.getElementById("data").textContent);
const neurons = new Map(data.neurons.map((row) => [`L${row.layer}N${row.neuron}`, row]));
const several = new Set(data.neurons.map((row) => row.layer)).size > 1;
const at = Object.fromEntries(data.fields.map((name, index) => [name, index]));
const DECIDED_BY_TAG = new Set(["part-of-speech", "next-word"]);
const WORDS = 6; // different words shown in the list
const lines = new Map();

const hitsOf = (row) => data.hits[`${row.layer}.${row.neuron}`] ?? [];
const visible = (text) => text.replace(/\n/g, "\u23ce").replace(/\t/g, "\u21e5");
const readable = (value) =>
  value === null || value === undefined || value === "" ? "\u2013"
    : typeof value !== "number" ? String(value).replaceAll(",", ", ")
    : Number.isInteger(value) ? value.toLocaleString("en")
      : Math.abs(value) >= 0.001 ? value.toFixed(3) : value.toExponential(1);

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function words(row) {
  const seen = new Set(hitsOf(row).map((hit) => visible(hit[at.token]).trim()));
  return [...seen].filter((word) => word);
}

function interval(row) {
  const whole = make("span");
  const track = make("span", undefined, "track");
  whole.append(track, ` ${typeof row.auroc === "number" ? row.auroc.toFixed(2) : "\u2013"}`);
  if (row.auroc === null || row.auroc === undefined) return whole;
  const low = row.auroc_low ?? row.auroc;
  const high = row.auroc_high ?? row.auroc;
  const bar = make("span", undefined, "bar");
  bar.style.left = `${100 * low}%`;
  bar.style.width = `${100 * (high - low)}%`;
  const dot = make("span", undefined, "dot");
  dot.style.left = `${100 * row.auroc}%`;
  track.append(bar, dot);
  whole.title = `${readable(row.auroc)}, 95 % interval ${readable(low)} to ${readable(high)}`;
  return whole;
}

function cell(content, value) {
  const element = make("td");
  element.append(content);
  if (value !== undefined) element.dataset.value = value ?? "";
  return element;
}

function line(name, row) {
  const element = make("tr");
  const link = make("a", several ? `${row.layer}.${row.neuron}` : String(row.neuron));
  link.href = `#${name}`;
  const found = words(row);
  element.append(
    cell(link, row.layer * 1e6 + row.neuron),
    cell(make("span", row.kind, `chip kind-${row.kind}`), row.kind),
    cell(row.best_tag || "\u2013"),
    cell(interval(row), row.auroc),
    cell(found.slice(0, WORDS).join(" \u00b7 ")),
  );
  element.addEventListener("click", () => { location.hash = name; });
  const text = [row.neuron, row.best_tag, row.kind, ...found].join(" ").toLowerCase();
  lines.set(name, { element, row, text });
  return element;
}

function context(hit, largest) {
  const element = make("li");
  const marked = make("mark", visible(hit[at.token]));
  const share = largest > 0 ? Math.max(0, hit[at.activation] / largest) : 0;
  marked.style.background = `rgba(var(--hit), ${(0.08 + 0.72 * share).toFixed(3)})`;
  const after = make("span", visible(hit[at.after]), "after");
  after.prepend(marked);
  element.append(
    make("span", readable(hit[at.activation]), "activation"),
    make("span", visible(hit[at.before]), "before"),
    after,
    make("span", hit[at.tag] ?? "", "tag"),
  );
  element.title = `story ${hit[at.story]}, token ${hit[at.position]}`;
  return element;
}

function show() {
  const wanted = location.hash.slice(1);
  const name = neurons.has(wanted) ? wanted : neurons.keys().next().value;
  if (name === undefined) return;
  const row = neurons.get(name);
  const hits = hitsOf(row);
  for (const [other, { element }] of lines) element.classList.toggle("chosen", other === name);
  lines.get(name).element.scrollIntoView({ block: "nearest" });
  document.getElementById("chosen-title").textContent = `Layer ${row.layer}, neuron ${row.neuron}`;
  const chip = document.getElementById("chosen-kind");
  chip.className = `chip kind-${row.kind}`;
  chip.textContent = DECIDED_BY_TAG.has(row.kind) ? `${row.kind}: ${row.best_tag}` : row.kind;
  const largest = hits.length ? hits[0][at.activation] : 0;
  document.getElementById("contexts").replaceChildren(...hits.map((hit) => context(hit, largest)));
  const facts = document.getElementById("facts");
  facts.replaceChildren();
  for (const [field, value] of Object.entries(row)) {
    if (["layer", "neuron", "kind"].includes(field)) continue;
    facts.append(make("dt", field.replaceAll("_", " ")), make("dd", readable(value)));
  }
}

const search = document.getElementById("search");
const chips = [...document.querySelectorAll("button[data-kind]")];

function filter() {
  const wanted = search.value.trim().toLowerCase();
  const kinds = new Set(
    chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.dataset.kind));
  const isNumber = /^\d+$/.test(wanted);
  let count = 0;
  for (const { element, row, text } of lines.values()) {
    const fits = isNumber ? row.neuron === Number(wanted) : text.includes(wanted);
    element.hidden = !(fits && kinds.has(row.kind));
    count += element.hidden ? 0 : 1;
  }
  document.getElementById("found").textContent = `${readable(count)} of ${readable(lines.size)} shown`;
}

document.querySelector("#neurons tbody").append(...[...neurons].map(([n, row]) => line(n, row)));
search.addEventListener("input", filter);
for (const chip of chips)
  chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
    filter();
  });
window.addEventListener("hashchange", show);
filter();
show();
