(figure, data, { roving, beside }) => {
  const lines = [...figure.querySelectorAll("line")];
  const readout = figure.querySelector(".readout");
  const named = (at) => `${data.tokens[at]} (${at})`;
  const side = (which) => [...figure.querySelectorAll(`text.${which}`)];
  const sides = { query: side("query"), key: side("key") };
  const show = (which) => (at) => {
    const other = which === "query" ? "key" : "query";
    const here = [];
    for (const line of lines) {
      const chosen = Number(line.dataset[which]) === at;
      line.style.display = chosen ? "" : "none";
      line.style.strokeOpacity = chosen ? Math.max(0.7, Math.sqrt(line.dataset.weight)) : "";
      if (chosen) here.push([Number(line.dataset.weight), Number(line.dataset[other])]);
    }
    here.sort((a, b) => b[0] - a[0]);
    for (const [name, texts] of Object.entries(sides))
      texts.forEach((text, position) => text.classList.toggle("from", name === which && position === at));
    const said = here.slice(0, 5).map(([weight, position]) => `${named(position)} ${weight.toFixed(2)}`);
    const verb = which === "query" ? "looks at" : "is looked at by";
    readout.textContent = `${named(at)} ${verb} ${said.join(", ") || "no token with a line"}`;
  };
  for (const which of ["query", "key"]) roving(sides[which], beside, show(which));
  figure.querySelector("svg").addEventListener("mouseleave", () => {
    for (const line of lines) line.style.display = line.style.strokeOpacity = "";
  });
  return () => {};
}
