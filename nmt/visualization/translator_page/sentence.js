// All about one sentence: how sure the model was, what else it might have been, and the way to how it was chosen.

const makeSentencePanel = ({ choose, how }) => {
  const { element } = page;
  const body = element("div", {});
  const title = element("h2", { id: "sentence-title" }, said.sentence);
  const node = element("section", { class: "panel about", "aria-labelledby": "sentence-title", hidden: true }, title, body);

  const flagText = (flag, { source, translation }) => {
    const words = flag.source_words ? flag.source_words.map((place) => wordsOf(source)[place]) : (flag.target_words ?? []).map((place) => wordsOf(translation)[place]);
    const told = words.filter((word) => word !== undefined);
    return element("li", {}, said.flags[flag.kind] ?? flag.kind, " ", element("bdi", { class: "token-name" }, told.join(" ")));
  };

  const confidence = (one) => {
    if (one.confidence === undefined) return [];
    const { probability, flags } = one.confidence;
    const known = flags.filter((flag) => flag.kind in said.flags);
    return [
      element("p", { class: "small confidence" },
        element("span", { class: "meter", "aria-hidden": "true", style: { "--share": probability } }, element("i", {})),
        " ", said.confidence(page.percent(probability)), " ", element("span", { class: "soft" }, `(${said.confidenceHelp})`)),
      known.length > 0 && element("ul", { class: "small flags" }, ...known.map((flag) => flagText(flag, one))),
    ];
  };

  const alternatives = (one, number) => {
    const texts = [...new Set(one.hypotheses.map((hypothesis) => hypothesis.translation))];
    if (texts.length < 2) return [element("p", { class: "soft small" }, said.noAlternatives)];
    const rows = texts.map((text, place) => {
      const isShown = text === one.shown;
      const use = element("button", { type: "button", class: "small", "aria-pressed": isShown ? "true" : "false", "data-place": place, on: { click: () => choose(number, text) } }, said.use);
      return element("li", { class: isShown ? "chosen" : null }, element("span", { dir: "auto" }, text), use);
    });
    return [element("h3", {}, said.alternatives), element("ol", { class: "alternatives" }, ...rows)];
  };

  // Shows a sentence of a model's answer; nothing if there is none.
  const show = (model, one, number) => {
    node.hidden = one === null;
    node.inert = false;
    node.classList.remove("stale");
    if (one === null) return;
    const held = body.contains(document.activeElement) ? document.activeElement.dataset.place : undefined;
    title.replaceChildren(said.sentence, " ", element("span", { class: "soft small" }, said.byModel(page.readable(model.name))));
    const button = element("button", { type: "button", class: "how", disabled: one.hypotheses.length === 0, on: { click: () => how(one) } }, said.how);
    const known = one.isCopied
      ? [element("p", { class: "soft small" }, said.unchanged)]
      : [...confidence(one), ...alternatives(one, number), one.shown !== one.translation && element("p", { class: "soft small" }, said.ofFirst(one.translation)), button];
    body.replaceChildren(
      element("p", { class: "both" }, element("span", { class: "of-source", dir: "auto" }, one.source), element("span", { class: "of-target", dir: "auto" }, one.shown)),
      ...known.filter(Boolean),
    );
    if (held !== undefined) body.querySelector(`[data-place="${held}"]`)?.focus();
  };
  // While another text is being translated, what is shown is of the one before.
  const wait = () => {
    node.inert = true;
    node.classList.add("stale");
  };
  return { node, show, wait };
};
