// The chosen head is the page's fragment, #L3H2, so that links, bookmarks and "back" work.
const data = JSON.parse(document.getElementById("data").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const heads = new Map(data.heads.map((row) => [`L${row.layer}H${row.head}`, row]));
const MOST_LABELS = 48;
const LABEL = 9.5; // pixels that a token's label needs
const MARGIN = 96;

// Plotly reads text as simple HTML: what comes from a story must be escaped.
const escaped = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const tokens = data.tokens.map(escaped);

function readable(value) {
  if (value === null || value === undefined || value === "") return "\u2013";
  if (Array.isArray(value)) return value.join(" \u00b7 ") || "\u2013";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 0.001 ? value.toFixed(3) : value.toExponential(1);
}

function unpack(packed) {
  const rows = [];
  for (let query = 0, at = 0; query < tokens.length; at += ++query) {
    const row = packed.slice(at, at + query + 1).map((w) => (w === null ? null : w / data.steps));
    rows.push(row.concat(Array(tokens.length - query - 1).fill(null)));
  }
  return rows;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function scale() {
  if (!dark.matches) return data.scale;
  const colours = data.scale.map(([, c]) => c).reverse();
  return data.scale.map(([weight], i) => [weight, colours[i]]);
}

function layout(more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--faint"), activecolor: colour("--ink") },
    font: { color: colour("--ink"), size: 11, family: "system-ui, DejaVu Sans, sans-serif" },
    ...more,
  };
}

function drawPattern(name, row) {
  const weights = unpack(data.patterns[row.layer][row.head]);
  const room = (document.getElementById("pattern").clientWidth - 1.5 * MARGIN) / LABEL;
  const every = Math.max(1, Math.ceil(tokens.length / Math.min(MOST_LABELS, Math.max(1, room))));
  const places = tokens.map((_, i) => i).filter((i) => i % every === 0);
  const axis = {
    tickmode: "array", tickvals: places, ticktext: places.map((i) => tokens[i]), ticks: "",
    tickfont: { size: LABEL }, showgrid: false, zeroline: false, constrain: "domain",
  };
  const trace = {
    type: "heatmap", z: weights, zmin: 0, zmax: 1, colorscale: scale(), hoverongaps: false,
    text: weights.map((keys, q) => keys.map((w, k) =>
      w === null ? "" : `<b>${tokens[q]}</b> (${q}) looks at <b>${tokens[k]}</b> (${k}): ${w.toFixed(3)}`)),
    hovertemplate: "%{text}<extra></extra>",
    colorbar: { thickness: 10, outlinewidth: 0, tickvals: [0, 0.2, 0.4, 0.6, 0.8, 1], len: 0.9 },
  };
  Plotly.react("pattern", [trace], layout({
    margin: { l: MARGIN, r: 10, t: 8, b: MARGIN }, plot_bgcolor: colour("--none"),
    xaxis: { ...axis, tickangle: -90 },
    yaxis: { ...axis, autorange: "reversed", scaleanchor: "x" },
  }), {
    displaylogo: false, responsive: true,
    modeBarButtons: [["toImage", "zoom2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: name },
  });
}

function drawProfile(row) {
  const profile = data.profiles[row.layer][row.head];
  Plotly.react("profile", [{
    type: "bar", x: profile.map((_, offset) => offset), y: profile,
    marker: { color: colour("--accent") },
    hovertemplate: "%{x} back: %{y:.4f}<extra></extra>",
  }], layout({
    margin: { l: 48, r: 8, t: 8, b: 40 }, plot_bgcolor: "rgba(0,0,0,0)", bargap: 0.15,
    xaxis: { title: { text: "tokens back" }, zeroline: false, gridcolor: colour("--line") },
    yaxis: { title: { text: "attention" }, rangemode: "tozero", gridcolor: colour("--line") },
  }), { displayModeBar: false, responsive: true });
}

function writeFacts(row) {
  const facts = document.getElementById("facts");
  facts.replaceChildren();
  for (const [name, value] of Object.entries(row)) {
    if (["layer", "head", "kind"].includes(name)) continue;
    const term = document.createElement("dt");
    const fact = document.createElement("dd");
    term.textContent = name.replaceAll("_", " ");
    fact.textContent = readable(value);
    facts.append(term, fact);
  }
}

function show() {
  const wanted = location.hash.slice(1);
  const name = heads.has(wanted) ? wanted : heads.keys().next().value;
  if (name === undefined) return;
  const row = heads.get(name);
  document.getElementById("chosen-title").textContent = `Layer ${row.layer}, head ${row.head}`;
  const chip = document.getElementById("chosen-kind");
  chip.className = `chip kind-${row.kind}`;
  chip.textContent = row.role ? `${row.kind}, ${row.role}` : row.kind;
  for (const link of document.querySelectorAll(".map a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const line of document.querySelectorAll("tr[data-head]"))
    line.classList.toggle("chosen", line.dataset.head === name);
  writeFacts(row);
  drawPattern(name, row);
  drawProfile(row);
}

for (const line of document.querySelectorAll("tr[data-head]"))
  line.addEventListener("click", () => {
    location.hash = line.dataset.head;
    document.getElementById("chosen-title").scrollIntoView({ behavior: "smooth" });
  });

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
document.querySelector(".map").addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const row = heads.get(document.activeElement.hash?.slice(1));
  if (!step || !row) return;
  const next = document.querySelector(
    `.map a[href="#L${row.layer + step[0]}H${row.head + step[1]}"]`);
  if (!next) return;
  event.preventDefault();
  next.focus();
  location.hash = next.hash;
});

window.addEventListener("hashchange", show);
dark.addEventListener("change", show);
show();
