"use strict";
// Tables of class "rows": a click on a heading sorts, missing numbers always last.
function sortValue(cell) {
  const raw = cell.dataset.value ?? cell.textContent.trim();
  if (raw === "" || raw === "\u2013") return null;
  const number = Number(raw);
  return Number.isNaN(number) ? raw : number;
}

function compareValues(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en");
}

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const keyed = [...body.rows].map((row) => [sortValue(row.cells[column]), row]);
      keyed.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return up ? compareValues(a, b) : compareValues(b, a);
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
}

document.querySelectorAll("table.rows").forEach(makeSortable);
