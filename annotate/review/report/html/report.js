"use strict";
// The report can be read without this. It adds sorting and filtering, opens
// what a link leads to, and opens all evidence for printing.
(() => {
  const natural = new Intl.Collator("en", { numeric: true });

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort ?? cell.textContent.trim();
  };

  const sort = (table, column, button) => {
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    rows.sort((a, b) => natural.compare(value(a, column), value(b, column)) * (down ? -1 : 1));
    body.append(...rows);
  };

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = th.textContent;
      th.replaceChildren(button);
      button.addEventListener("click", () => sort(table, column, button));
    });
  }

  for (const tools of document.querySelectorAll(".tools")) {
    const table = document.getElementById(tools.dataset.for);
    const input = tools.querySelector("input");
    const buttons = [...tools.querySelectorAll("button[data-level]")];
    const count = tools.querySelector("output");
    const rows = [...table.tBodies[0].rows];
    const all = Number(tools.dataset.all);
    const number = (n) => n.toLocaleString("en");
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase().replace(/\s+/g, " ")]));
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const off = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "false").map((b) => b.dataset.level));
      let shown = 0;
      for (const row of rows) {
        row.hidden = off.has(row.dataset.level) || !words.every((word) => texts.get(row).includes(word));
        if (!row.hidden) shown++;
      }
      count.textContent = shown === rows.length || all === rows.length
        ? `${number(shown)} of ${number(all)} shown`
        : `${number(shown)} of the ${number(rows.length)} listed, of ${number(all)} in all`;
    };
    input.addEventListener("input", apply);
    for (const button of buttons) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
        apply();
      });
    }
    tools.hidden = false;
    apply();
  }

  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    target.hidden = false;
    const details = target.querySelector("details");
    if (details) details.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
