// The two sentences, and ribbons between their words: as wide and as strong as the weight.

const LEAST_WEIGHT = 0.01;
const WIDEST = 16;

const makeSentences = () => {
  const { element, svg } = page;
  const curves = svg("svg", { class: "ribbons", "aria-hidden": "true" });
  const source = element("div", { class: "side source", dir: "auto", role: "group" });
  const target = element("div", { class: "side target", dir: "auto", role: "group" });
  const field = element("div", { class: hasAttention ? "sentences" : "sentences without" }, source, target, curves);
  const scroll = makeScroll(told.both, field);
  const note = element("p", { class: "soft small note", "aria-live": "polite" });
  const node = element(
    "section",
    { class: "panel sentences-panel", "aria-labelledby": "sentences-title" },
    element(
      "div",
      { class: "panel-head" },
      element("h2", { id: "sentences-title" }, hasAttention ? told.whichLooked : told.both),
      hasAttention && makeUnits(),
    ),
    scroll.node,
    note,
  );
  let ribbons = [];
  let scrolledTo = 0; // the step whose word was brought into sight

  const makeWord = (text, place, side) => {
    const at = side === "source" ? "column" : "row";
    const look = () => change({ [at]: place });
    const leave = () => change({ [at]: null });
    const on = { pointerenter: look, pointerleave: leave, focus: look, blur: leave };
    if (side === "target") on.click = () => stepTo(stepOfRow(currentPart(), place));
    return element("button", { type: "button", class: "word", "data-place": place, on }, ...wordText(text));
  };

  const build = () => {
    const part = currentPart();
    const { source: sources, target: targets, weights } = part === null ? { source: [], target: [], weights: [] } : sides(part);
    source.replaceChildren(...sources.map((text, place) => makeWord(text, place, "source")));
    target.replaceChildren(...targets.map((text, place) => makeWord(text, place, "target")));
    source.setAttribute("aria-label", told.source(model.source_language));
    target.setAttribute("aria-label", told.translation(model.target_language));
    ribbons = weights.flatMap((row, to) =>
      row.map((weight, from) => ({ from, to, weight })).filter((ribbon) => ribbon.weight >= LEAST_WEIGHT),
    );
    for (const ribbon of ribbons) {
      ribbon.path = svg("path", {
        "data-from": ribbon.from,
        "data-to": ribbon.to,
        "data-weight": ribbon.weight,
        "stroke-width": 1 + (WIDEST - 1) * ribbon.weight,
        style: { "--weight": ribbon.weight },
      });
    }
    const colours = [
      svg("stop", { class: "from-source", offset: "0.1" }),
      svg("stop", { class: "to-target", offset: "0.9" }),
    ];
    curves.replaceChildren(
      svg("defs", {}, svg("linearGradient", { id: "ribbon", gradientUnits: "userSpaceOnUse" }, ...colours)),
      ...ribbons.map((ribbon) => ribbon.path),
    );
    field.hidden = part === null;
    place();
  };

  const place = () => placeRibbons({ field, source, target, curves, ribbons });

  const update = () => {
    const part = currentPart();
    if (part === null) {
      note.textContent = told.nothing;
      return;
    }
    const { source: sources, target: targets, weights } = sides(part);
    const chosen = rowOfStep(part, view.step);
    const row = view.row ?? (view.column === null ? chosen : null);
    for (const { from, to, path } of ribbons) {
      path.classList.toggle("strong", to === row || from === view.column);
      path.classList.toggle("weak", row !== null || view.column !== null);
    }
    [...target.children].forEach((word, number) => {
      word.classList.toggle("looked", number === row || (view.column !== null && (weights[number]?.[view.column] ?? 0) > 0.1));
      if (number === chosen) word.setAttribute("aria-current", "step");
      else word.removeAttribute("aria-current");
    });
    [...source.children].forEach((word, number) => {
      const weight = view.column === null ? (weights[row]?.[number] ?? 0) : Number(number === view.column);
      word.style.setProperty("--weight", weight);
    });
    if (scrolledTo !== view.step && chosen !== null) intoSight(scroll.box, target.children[chosen]);
    scrolledTo = view.step;
    note.replaceChildren(...tell(sources, targets, weights, row).flat());
  };

  const tell = (sources, targets, weights, row) => {
    if (!hasAttention) return [told.noRibbons];
    if (weights.length === 0) return [told.noWord];
    if (view.column !== null) {
      const most = greatest(weights.map((one) => one[view.column]));
      const share = page.percent(weights[most][view.column]);
      return told.mostOfAll(quotedWord(targets[most]), quotedWord(sources[view.column]), share);
    }
    if (row === null || weights[row] === undefined) return [told.endNoWord];
    const most = greatest(weights[row]);
    const how = averageOfRow(currentPart(), row);
    return told.looked(quotedWord(targets[row]), quotedWord(sources[most]), page.percent(weights[row][most]), how);
  };

  new ResizeObserver(place).observe(field);
  document.fonts.ready.then(place);
  return { node, build, update, follows: ["step", "row", "column"] };
};
