// The two sentences, and ribbons between their words: as wide and as strong as the weight.

const LEAST_WEIGHT = 0.01;
const WIDEST = 16;

const makeSentences = () => {
  const { element, svg } = page;
  const curves = svg("svg", { class: "ribbons", "aria-hidden": "true" });
  const source = element("div", { class: "side source", dir: "auto", role: "group" });
  const target = element("div", { class: "side target", dir: "auto", role: "group" });
  const field = element("div", { class: hasAttention ? "sentences" : "sentences without" }, source, target, curves);
  const note = element("p", { class: "soft small note", "aria-live": "polite" });
  const node = element(
    "section",
    { class: "panel", "aria-labelledby": "sentences-title" },
    element(
      "div",
      { class: "panel-head" },
      element("h2", { id: "sentences-title" }, hasAttention ? "Which words looked at which" : "The sentence and its translation"),
      hasAttention && makeUnits(),
    ),
    field,
    note,
  );
  let ribbons = [];

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
    source.setAttribute("aria-label", `Source, ${model.source_language}`);
    target.setAttribute("aria-label", `Translation, ${model.target_language}`);
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

  // Side by side where a sentence does not fit into one line, one below the other where it does.
  const place = () => {
    field.classList.remove("beside");
    const fits = [source, target].every((side) => side.scrollWidth <= side.clientWidth + 1);
    field.classList.toggle("beside", !fits);
    const box = field.getBoundingClientRect();
    const boxes = (side) => [...side.children].map((word) => word.getBoundingClientRect());
    const [from, to] = [boxes(source), boxes(target)];
    curves.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    const bottom = (one) => [one.left + one.width / 2 - box.left, one.bottom - box.top + 2];
    const top = (one) => [one.left + one.width / 2 - box.left, one.top - box.top - 2];
    const right = (one) => [one.right - box.left + 2, one.top + one.height / 2 - box.top];
    const left = (one) => [one.left - box.left - 2, one.top + one.height / 2 - box.top];
    const [start, end] = fits ? [bottom, top] : [right, left];
    let first = [0, 0];
    let last = [box.width, box.height];
    for (const ribbon of ribbons) {
      const [x1, y1] = start(from[ribbon.from]);
      const [x2, y2] = end(to[ribbon.to]);
      const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
      ribbon.path.setAttribute("d", fits ? `M${x1} ${y1}C${x1} ${my} ${x2} ${my} ${x2} ${y2}` : `M${x1} ${y1}C${mx} ${y1} ${mx} ${y2} ${x2} ${y2}`);
      first = fits ? [0, y1] : [x1, 0];
      last = fits ? [0, y2] : [x2, 0];
    }
    const gradient = curves.querySelector("linearGradient");
    if (gradient === null) return;
    const ends = { x1: first[0], y1: first[1], x2: last[0], y2: last[1] };
    for (const [name, value] of Object.entries(ends)) gradient.setAttribute(name, value);
  };

  const update = () => {
    const part = currentPart();
    if (part === null) {
      note.textContent = "This line is blank: there is nothing to translate.";
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
    note.replaceChildren(...tell(sources, targets, weights, row));
  };

  const tell = (sources, targets, weights, row) => {
    if (!hasAttention) return ["No ribbons: this model has no attention, and which words belong together is nowhere in it."];
    if (view.column !== null) {
      const most = greatest(weights.map((one) => one[view.column]));
      return [...quoted(sources[view.column]), " got most attention from ", ...quoted(targets[most]), `, ${page.percent(weights[most]?.[view.column] ?? 0)} of it.`];
    }
    if (row === null || weights[row] === undefined) return ["The end mark is no word. By tokens it has a row of its own."];
    const most = greatest(weights[row]);
    return [...quoted(targets[row]), " looked most at ", ...quoted(sources[most]), `: ${page.percent(weights[row][most])} of its attention.`];
  };

  new ResizeObserver(place).observe(field);
  document.fonts.ready.then(place);
  return { node, build, update };
};

const makeUnits = () => {
  const units = [
    ["words", "Words"],
    ["tokens", "Tokens"],
  ];
  const buttons = units.map(([unit, name]) =>
    page.element("button", { type: "button", "data-unit": unit, on: { click: () => change({ unit }) } }, name),
  );
  const tell = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.unit === view.unit));
  };
  panels.push({ build: tell, update: tell });
  return page.element("div", { class: "choice", role: "group", "aria-label": "Draw by" }, ...buttons);
};
