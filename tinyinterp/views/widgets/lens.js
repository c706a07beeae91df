(figure, data, { roving }) => {
  const cells = [...figure.querySelectorAll("td")];
  const readout = figure.querySelector(".readout");
  const n = data.tokens.length;
  const step = (at, key) => {
    const column = at % n;
    if ((key === "ArrowLeft" && column === 0) || (key === "ArrowRight" && column === n - 1)) return at;
    return at + ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: n, ArrowUp: -n }[key] ?? 0);
  };
  const show = (at) => {
    const [row, position] = [Math.floor(at / n), at % n];
    const { likeliest, next } = data.rows[row][position];
    const said = likeliest.map(([token, share]) => `${data.words[token]} ${share}`).join(", ");
    const comes = next
      ? `; ${data.tokens[position + 1]}, which does come next, is number ${next[0]} with ${next[1]}`
      : "";
    readout.textContent = `${data.levels[row]}, at ${data.tokens[position]} (${position}): ${said}${comes}`;
  };
  roving(cells, step, show);
  return () => {};
}
