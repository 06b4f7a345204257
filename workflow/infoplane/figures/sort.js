// Tables that a click on a head sorts: up, down, and as they were.
"use strict";
(() => {
  const order = new Intl.Collator("en", { numeric: true });
  const number = (text) => {
    const found = text.replaceAll(",", "").replace("−", "-").match(/^-?\d+(\.\d+)?(e-?\d+)?/i);
    return found ? Number(found[0]) : null;
  };
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (x !== null && y !== null && x !== y) return x - y;
    return order.compare(a, b);
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2 || rows.some((row) => [...row.cells].some((cell) => cell.rowSpan > 1))) return;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "none" }[head.ariaSort] ?? "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next !== "none") head.ariaSort = next;
        const text = (row) => row.cells[column]?.textContent.trim() ?? "";
        const sorted = next === "none" ? rows : [...rows].sort((a, b) => compare(text(a), text(b)));
        if (next === "descending") sorted.reverse();
        body.append(...sorted);
      });
    });
  };
  document.querySelectorAll("table").forEach((table) => table.tHead && sortable(table));
})();
