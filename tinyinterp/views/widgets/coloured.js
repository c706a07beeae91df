(figure, data, { make, mix, paint }) => {
  const [choice, texts] = [".choice", ".texts"].map((at) => figure.querySelector(at));
  const ends = figure.querySelectorAll(".scale b");
  let chosen = 0;
  let slots = 0;
  // circuitsvis draws into an element that it finds by its id
  const vis = (where, properties) => {
    const slot = make("div", { id: `${figure.id}-${slots++}` });
    where.append(slot);
    CircuitsVis.render(slot.id, CircuitsVis.ColoredTokens, properties);
  };
  const plain = (tokens, values, most) =>
    make("p", { className: "tokens" }, ...tokens.map((token, at) => {
      const value = values[at] ?? 0;
      const span = make("span", { title: values[at] ?? "–" }, token);
      paint(span, mix(value >= 0 ? data.positive : data.negative, Math.abs(value) / most));
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
      if (!self.CircuitsVis || values.includes(null)) text.append(plain(tokens, values, most));
      else
        vis(text, {
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
}
