// The weights as a heat map: one row a word of the translation, one column a word of the source.

const MOST_NUMBERS = 14; // columns, up to which each cell has room for its number

const makeMatrix = () => {
  const { element } = page;
  const table = element("table", { class: "matrix" });
  const scroll = makeScroll(told.weights, table);
  const caption = element("p", { class: "soft small fill" });
  const marks = element("div", { class: "fill" });
  const readout = element("p", { class: "small note fill", "aria-live": "polite" });
  const node = element(
    "section",
    { class: "panel", "aria-labelledby": "matrix-title" },
    element("h2", { id: "matrix-title" }, told.allWeights),
    caption,
    scroll.node,
    marks,
    readout,
  );
  let rows = [];
  let heads = [];
  let scrolledTo = 0; // the step whose row was brought into sight

  const makeCell = (weight, withNumbers) => {
    const shown = element("span", { class: withNumbers && weight >= 0.005 ? "number" : "hidden-text" }, String(Math.round(weight * 100)));
    return element("td", { class: weight > 0.6 ? "strong" : null, "data-weight": weight, style: { "--weight": weight } }, shown);
  };

  // There may be thousands of cells, so the table listens for all of them.
  const placeOf = (target) => {
    const cell = target.closest("tbody td");
    return cell === null ? { row: null, column: null } : { row: cell.parentNode.rowIndex - 1, column: cell.cellIndex - 1 };
  };
  table.addEventListener("pointerover", (event) => change(placeOf(event.target)));
  table.addEventListener("pointerleave", () => change({ row: null, column: null }));
  table.addEventListener("click", (event) => {
    const { row } = placeOf(event.target);
    if (row !== null) stepTo(stepOfRow(currentPart(), row));
  });

  const build = () => {
    const part = currentPart();
    node.hidden = part === null;
    if (part === null) return;
    const { source, target, weights } = sides(part);
    const withNumbers = source.length <= MOST_NUMBERS;
    heads = source.map((text) => element("th", { scope: "col" }, element("span", {}, ...wordText(text))));
    rows = weights.map((row, number) => {
      const choose = element("button", { type: "button", dir: "auto", tabindex: -1, on: { click: () => stepTo(stepOfRow(part, number)) } }, ...wordText(target[number]));
      const cells = row.map((weight) => makeCell(weight, withNumbers));
      return element("tr", {}, element("th", { scope: "row" }, choose), ...cells);
    });
    table.dir = getComputedStyle(document.querySelector(".side.source")).direction;
    table.replaceChildren(
      element("caption", { class: "hidden-text" }, told.inPercent),
      element("thead", {}, element("tr", {}, element("td", {}), ...heads)),
      element("tbody", {}, ...rows),
    );
    caption.textContent =
      view.unit === "words"
        ? told.aboutWords
        : told.aboutTokens;
    marks.replaceChildren(...(view.unit === "tokens" ? [makeMarks(part)] : []));
  };

  const update = () => {
    const part = currentPart();
    if (part === null) return;
    const { source, target, weights } = sides(part);
    const chosen = rowOfStep(part, view.step);
    rows.forEach((row, number) => {
      row.classList.toggle("chosen", number === chosen);
      row.classList.toggle("looked", number === view.row);
    });
    heads.forEach((head, number) => head.classList.toggle("looked", number === view.column));
    if (scrolledTo !== view.step && chosen !== null) intoSight(scroll.box, rows[chosen].querySelector("th"));
    scrolledTo = view.step;
    const weight = weights[view.row]?.[view.column];
    if (weight === undefined) readout.textContent = told.pointAtCell;
    else readout.replaceChildren(...quotedWord(target[view.row]), " → ", ...quotedWord(source[view.column]), `: ${page.number(weight, 4)}`);
  };

  return { node, build, update, follows: ["step", "row", "column"] };
};
