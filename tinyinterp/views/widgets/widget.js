(name, data, kind) => {
  "use strict";
  const make = (tag, properties, ...inside) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...inside);
    return made;
  };
  const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const hex = (rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
  const mix = (colour, share) => parts(colour).map((part) => 255 + Math.min(1, share) * (part - 255));
  // black or white, whichever has more contrast (WCAG)
  const ink = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
  };
  const paint = (element, rgb) => {
    element.style.background = rgb ? hex(rgb) : "";
    element.style.color = rgb ? ink(rgb) : "";
  };
  // one of several elements is reached by Tab, the others by the arrow keys: step gives the next one
  const roving = (elements, step, choose) => {
    elements.forEach((element, at) => {
      element.addEventListener("mouseenter", () => choose(at));
      element.addEventListener("focus", () => choose(at));
      element.addEventListener("keydown", (event) => {
        const next = elements[step(at, event.key)];
        if (!next || next === element) return;
        event.preventDefault();
        event.stopPropagation();
        element.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      });
    });
  };
  const beside = (at, key) => at + ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key] ?? 0);
  const tools = { make, parts, hex, mix, ink, paint, roving, beside };

  // the same widget may be on the page twice: one script for each, in order
  const figures = document.querySelectorAll(`.tinyinterp-widget[data-name="${name}"]`);
  for (const figure of figures) {
    if (figure.id) continue;
    self.tinyinterpWidgets = (self.tinyinterpWidgets ?? 0) + 1;
    figure.id = `tinyinterp-${name}-${self.tinyinterpWidgets}`;
    const draw = kind(figure, data, tools);
    draw();
    if (data.kind === "coloured" && !self.CircuitsVis)
      document.addEventListener("tinyinterp-circuitsvis", draw, { once: true });
  }
}
