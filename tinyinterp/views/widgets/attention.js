(figure, data, { make, parts, hex, mix, paint, roving, beside }) => {
  const spans = [...figure.querySelectorAll(".tokens span")];
  const buttons = [...figure.querySelectorAll(".heads button")];
  const [readout, map] = [".readout", ".map"].map((at) => figure.querySelector(at));
  const { tokens, most } = data;
  const n = tokens.length;
  const bytes = data.patterns.map(() => null); // of a head once it is looked at
  const unpacked = (head) => {
    bytes[head] ??= Uint8Array.from(atob(data.patterns[head]), (c) => c.charCodeAt(0));
    return bytes[head];
  };
  const value = data.whole
    ? (head, query, key) => {
        const at = 2 * (query * n + key);
        const code = ((unpacked(head)[at] | (unpacked(head)[at + 1] << 8)) << 16) >> 16;
        return code === -32768 ? NaN : (code / 32767) * most;
      }
    : (head, query, key) => {
        if (key > query) return NaN;
        const code = unpacked(head)[(query * (query + 1)) / 2 + key];
        return code === data.unknown ? NaN : (code / data.steps) ** 2;
      };
  const stops = data.scale.map(([, colour]) => parts(colour));
  const NONE = parts(data.none);
  const colour = (number) => {
    if (Number.isNaN(number)) return NONE;
    if (data.signed) return mix(number < 0 ? data.negative : data.positive, Math.abs(number) / most);
    const at = Math.sqrt(Math.min(1, Math.max(0, number / most))) * (stops.length - 1);
    const [low, high] = [stops[Math.floor(at)], stops[Math.ceil(at)]];
    return low.map((part, index) => part + (at % 1) * (high[index] - part));
  };
  const short = (number) => (data.whole ? String(Number(number.toPrecision(3))) : number.toFixed(2));
  const named = (at) => `${tokens[at]} (${at})`;

  let head = 0;
  let query = null;
  const look = (at) => {
    query = at;
    const found = tokens.map((_, key) => value(head, at, key));
    spans.forEach((span, key) => {
      paint(span, Number.isNaN(found[key]) ? null : colour(found[key]));
      span.classList.toggle("from", key === at);
    });
    const least = data.whole ? most / 200 : 0.005;
    const best = found.map((number, key) => [number, key]).filter(([number]) => Math.abs(number) >= least);
    best.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
    const said = best.slice(0, 5).map(([number, key]) => `${named(key)} ${short(number)}`);
    const loss = at && data.losses.length ? `, loss ${data.losses[at - 1]}` : "";
    const start = data.whole ? `, query ${named(at)}:` : `: ${named(at)}${loss} looks at`;
    readout.textContent = `${data.names[head]}${start} ${said.join(", ") || "nothing"}`;
  };

  const MARGIN = n <= 64 ? 96 : 0; // pixels for the tokens along two sides of the map
  const cell = Math.max(1, Math.min(28, Math.floor(530 / n)));
  const canvas = make("canvas", { role: "img" });
  const draw = () => {
    const size = MARGIN + cell * n;
    const fine = self.devicePixelRatio > 1 && size < 2000 ? 2 : 1;
    Object.assign(canvas, { width: size * fine, height: size * fine });
    canvas.style.aspectRatio = "1";
    canvas.style.width = `${size}px`;
    canvas.setAttribute("aria-label", `pattern of ${data.names[head]}: a row for each query, a column for each key`);
    if (!canvas.parentNode) map.replaceChildren(canvas);
    const cells = make("canvas", { width: n, height: n });
    const image = new ImageData(n, n);
    for (let row = 0; row < n; row++)
      for (let key = 0; key < n; key++)
        image.data.set([...colour(value(head, row, key)), 255], 4 * (row * n + key));
    cells.getContext("2d").putImageData(image, 0, 0);
    const pen = canvas.getContext("2d");
    pen.scale(fine, fine);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(cells, MARGIN, MARGIN, cell * n, cell * n);
    if (!MARGIN) return;
    pen.fillStyle = getComputedStyle(figure).color;
    pen.font = `${Math.min(12, Math.max(7, cell))}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    tokens.forEach((token, at) => {
      pen.textAlign = "right";
      pen.fillText(token, MARGIN - 4, MARGIN + (at + 0.5) * cell, MARGIN - 6);
      pen.save();
      pen.translate(MARGIN + (at + 0.5) * cell, MARGIN - 4);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "left";
      pen.fillText(token, 0, 0, MARGIN - 6);
      pen.restore();
    });
  };
  canvas.addEventListener("mousemove", (event) => {
    const scale = (MARGIN + cell * n) / canvas.clientWidth;
    const at = (offset) => Math.floor((offset * scale - MARGIN) / cell);
    const [key, row] = [at(event.offsetX), at(event.offsetY)];
    if (row < 0 || key < 0 || row >= n || key >= n) return;
    look(row);
    const number = value(head, row, key);
    const said = Number.isNaN(number) ? (data.whole ? "unknown" : "comes later and cannot be looked at") : short(number);
    readout.textContent = `${data.names[head]}: query ${named(row)}, key ${named(key)}: ${said}`;
  });
  const choose = (number) => {
    head = number;
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", at === head));
    if (query !== null) look(query);
    draw();
  };
  buttons.forEach((button, at) => button.addEventListener("click", () => choose(at)));
  roving(spans, beside, look);
  return draw;
}
