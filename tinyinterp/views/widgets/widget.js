(name, data) => {
  "use strict";
  const make = (tag, properties, ...inside) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...inside);
    return made;
  };
  // circuitsvis draws into an element that it finds by its id
  let slots = 0;
  const vis = (where, element, properties) => {
    const slot = make("div", { id: `${where.dataset.slot}-${slots++}` });
    where.append(slot);
    CircuitsVis.render(slot.id, CircuitsVis[element], properties);
  };
  const shades = (scale, weight) => {
    const after = scale.findIndex(([stop]) => stop >= weight);
    return scale[after < 0 ? scale.length - 1 : after][1];
  };
  const ink = (colour) => {
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return parts[0] * 0.3 + parts[1] * 0.6 + parts[2] * 0.1 < 140 ? "#fff" : "#000";
  };

  const attention = (figure) => {
    const spans = [...figure.querySelectorAll(".tokens span")];
    const buttons = [...figure.querySelectorAll(".heads button")];
    const [readout, map] = [".readout", ".map"].map((at) => figure.querySelector(at));
    map.dataset.slot = figure.id;
    const n = data.tokens.length;
    const patterns = data.patterns.map((packed) => {
      const codes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
      const weight = (code) => (code === data.unknown ? NaN : (code / data.steps) ** 2);
      const rows = [];
      for (let query = 0, at = 0; query < n; at += ++query)
        rows.push(Array.from({ length: n }, (_, key) => (key > query ? 0 : weight(codes[at + key]))));
      return rows;
    });
    let head = 0;
    let query = null;
    const look = (at) => {
      query = at;
      const weights = patterns[head][at];
      spans.forEach((span, key) => {
        const colour = key > at ? "" : shades(data.scale, weights[key]);
        span.style.background = colour;
        span.style.color = colour && ink(colour);
        span.classList.toggle("from", key === at);
      });
      const best = weights.map((weight, key) => [weight, key]).filter(([weight]) => weight >= 0.005);
      best.sort((a, b) => b[0] - a[0]);
      const said = best.slice(0, 5).map(([w, key]) => `${data.tokens[key]} (${key}) ${w.toFixed(2)}`);
      readout.textContent = `${data.names[head]}: ${data.tokens[at]} (${at}) looks at ${said.join(", ")}`;
    };
    const draw = () => {
      if (!self.CircuitsVis || !data.mapped) return;
      map.replaceChildren();
      vis(map, "AttentionPattern", {
        tokens: data.tokens,
        attention: patterns[head].map((row) => row.map((weight) => Math.round(weight * 1000) / 1000)),
        minValue: 0,
        maxValue: 1,
        positiveColor: data.colour,
        upperTriColor: "#E9EAEC",
        zoomed: true,
      });
    };
    const choose = (number) => {
      head = number;
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", at === head));
      if (query !== null) look(query);
      draw();
    };
    buttons.forEach((button, at) => button.addEventListener("click", () => choose(at)));
    spans.forEach((span, at) => {
      span.addEventListener("mouseenter", () => look(at));
      span.addEventListener("focus", () => look(at));
      span.addEventListener("keydown", (event) => {
        const next = spans[at + { ArrowRight: 1, ArrowLeft: -1 }[event.key]];
        if (!next) return;
        event.preventDefault();
        event.stopPropagation();
        span.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      });
    });
    return draw;
  };

  const coloured = (figure) => {
    const [choice, texts] = [".choice", ".texts"].map((at) => figure.querySelector(at));
    const ends = figure.querySelectorAll(".scale b");
    let chosen = 0;
    const mix = (value, most) => {
      const full = value >= 0 ? data.positive : data.negative;
      const share = Math.min(1, Math.abs(value) / most);
      const part = (at) => Math.round(255 + share * (parseInt(full.slice(at, at + 2), 16) - 255));
      return `#${[1, 3, 5].map((at) => part(at).toString(16).padStart(2, "0")).join("")}`;
    };
    const plain = (tokens, values, most) =>
      make("p", { className: "tokens" }, ...tokens.map((token, at) => {
        const span = make("span", { title: values[at] ?? "–" }, token);
        span.style.background = mix(values[at] ?? 0, most);
        span.style.color = ink(mix(values[at] ?? 0, most));
        return span;
      }));
    const draw = () => {
      const { texts: shown, most } = data.choices[chosen];
      ends.forEach((end, at) => (end.textContent = at ? most : -most));
      texts.replaceChildren();
      for (const { tokens, values, note } of shown) {
        const text = make("div", { className: "text" });
        if (note) text.append(make("span", { className: "note" }, note));
        texts.append(text);
        // circuitsvis would call a value that is not known zero
        if (!self.CircuitsVis || values.includes(null)) {
          text.append(plain(tokens, values, most));
          continue;
        }
        text.dataset.slot = figure.id;
        vis(text, "ColoredTokens", {
          tokens,
          values,
          minValue: -most,
          maxValue: most,
          positiveColor: data.positive,
          negativeColor: data.negative,
        });
      }
    };
    if (data.choices.length > 1) {
      const options = data.choices.map(({ name }) => make("option", {}, name));
      const select = make("select", {}, ...options);
      select.addEventListener("change", () => {
        chosen = select.selectedIndex;
        draw();
      });
      choice.append(make("label", {}, "Show ", select));
    } else choice.append(data.choices[0].name);
    return draw;
  };

  // the same widget may be on the page twice: one script for each, in order
  const figures = document.querySelectorAll(`.tinyinterp-widget[data-name="${name}"]`);
  for (const figure of figures) {
    if (figure.id) continue;
    self.tinyinterpWidgets = (self.tinyinterpWidgets ?? 0) + 1;
    figure.id = `tinyinterp-${name}-${self.tinyinterpWidgets}`;
    const draw = { attention, coloured }[data.kind](figure);
    if (self.CircuitsVis) draw();
    else document.addEventListener("tinyinterp-circuitsvis", draw, { once: true });
  }
}
