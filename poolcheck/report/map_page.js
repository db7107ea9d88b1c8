"use strict";
// Without this script all links of the picture lead to the rows of the tables below it.
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; });
  theme.hidden = false;

  const picture = document.querySelector(".picture");
  const told = document.getElementById("told");
  if (!picture || !told) return;
  document.getElementById("hint").hidden = false;
  const parts = [...picture.querySelectorAll("a")];

  const near = (part) => {
    const { node, from, to } = part.dataset;
    const ends = (each) => each.dataset.node === from || each.dataset.node === to;
    const leads = (each) => each.dataset.from === node || each.dataset.to === node;
    return parts.filter((each) => each !== part && (node === undefined ? ends(each) : leads(each)));
  };
  const light = (part) => {
    const lit = new Set(part ? near(part) : []);
    for (const each of parts) each.classList.toggle("is-near", lit.has(each));
  };
  const element = (name, ...content) => {
    const made = document.createElement(name);
    made.append(...content);
    return made;
  };
  const details = (row) => {
    const list = element("dl");
    for (const cell of row.cells) {
      if (!cell.dataset.label || cell.classList.contains("titled") || !cell.textContent.trim()) continue;
      const value = element("dd");
      for (const child of cell.childNodes) value.append(child.cloneNode(true));
      list.append(element("dt", cell.dataset.label), value);
    }
    return list;
  };
  const close = () => {
    for (const each of parts) each.classList.remove("is-told");
    light(null);
    told.hidden = true;
    told.replaceChildren();
  };
  const tell = (part) => {
    const row = document.querySelector(part.getAttribute("href"));
    close();
    part.classList.add("is-told");
    light(part);
    const link = element("a", "Show in the table");
    link.href = part.getAttribute("href");
    told.append(element("h3", row.dataset.title), details(row), element("p", link));
    told.hidden = false;
  };

  picture.addEventListener("focusin", (event) => tell(event.target.closest("a")));
  picture.addEventListener("click", (event) => {
    const part = event.target.closest("a");
    if (!part || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.detail === 0) {  // by Enter, or by a screen reader: on to the row
      close();
      return;
    }
    event.preventDefault();
    part.focus();
    tell(part);
  });
  picture.addEventListener("mouseover", (event) => {
    if (told.hidden) light(event.target.closest("a"));
  });
  document.addEventListener("focusin", (event) => {
    if (!picture.contains(event.target) && !told.contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (told.contains(document.activeElement)) picture.querySelector(".is-told").focus();
    close();
  });
})();
