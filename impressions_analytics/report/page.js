"use strict";
// The page can be read without this script. It sorts the mailings by a click on a heading, filters them by text, and shows
// the figures of a chart where a reader points at it.
(() => {
  const table = document.querySelector("table.sortable");
  if (!table || !table.tBodies[0].rows.length) return;
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const text = (row, place) => row.cells[place].textContent.trim();
  const comma = document.documentElement.lang === "nl" ? "." : ",";  // what stands between thousands
  const number = (words) => parseFloat(words.replaceAll(comma, "").replace(",", "."));
  const numeric = (place) => heads[place].dataset.sort === "number";
  const compare = (place) => (one, other) => {
    const a = text(one, place), b = text(other, place);
    if (!numeric(place)) return a < b ? -1 : a > b ? 1 : 0;
    return (a ? number(a) : -1) - (b ? number(b) : -1);
  };
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.sort(compare(place));
      if (down) rows.reverse();
      body.append(...rows);
    });
  });
  const label = document.createElement("label"), field = document.createElement("input");
  const told = document.createElement("output");
  field.type = "search";
  label.className = "filter";
  label.append(`${table.dataset.filter} `, field, told);
  table.closest(".scroll").before(label);
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    told.textContent = ` ${shown} ${table.dataset.of} ${rows.length}`;
  });
})();
(() => {
  const box = document.createElement("div");
  box.className = "tip";
  box.hidden = true;
  box.setAttribute("role", "status");
  document.body.append(box);
  const show = (event) => {
    const part = event.target.closest ? event.target.closest("[data-tip]") : null;
    box.hidden = !part;
    if (!part) return;
    box.textContent = part.dataset.tip;
    const across = document.documentElement.clientWidth - box.offsetWidth - 8;
    box.style.left = `${Math.max(8, Math.min(event.clientX + 12, across))}px`;
    box.style.top = `${Math.max(8, event.clientY - box.offsetHeight - 12)}px`;
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { box.hidden = true; }, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") box.hidden = true; });
})();
