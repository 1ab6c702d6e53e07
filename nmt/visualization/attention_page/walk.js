// One step of the decoder: what it has written so far, and what it asks of the source.

const MOST_TOLD = 10; // tokens of what is written so far

const formula = () => {
  const s = queryName();
  const formulas = { additive: `eₜⱼ = vᵀ tanh(W ${s} + U hⱼ)`, general: `eₜⱼ = ${s}ᵀ W hⱼ`, dot: `eₜⱼ = ${s}ᵀ hⱼ` };
  return formulas[model.attention];
};

const makeWalk = () => {
  const { element } = page;
  const story = element("p", { class: "story" });
  const states = hasAttention ? makeStates() : makeFixedVector();
  const node = element(
    "section",
    { class: "panel walk", "aria-labelledby": "walk-title" },
    element("h2", { id: "walk-title" }, hasAttention ? told.stepMakes : told.stepKnows),
    story,
    states.node,
  );

  const tellStory = (part) => {
    const before = part.target_tokens.slice(Math.max(0, view.step - MOST_TOLD), view.step);
    if (view.step > MOST_TOLD) before.unshift("…");
    const written = before.length ? told.written(element("bdi", { class: "token-name" }, before.join(" "))) : [told.nothingWritten];
    if (!hasAttention) return [...written, told.fixedOnly];
    const [atFirst, later] = model.conditional ? [told.readBegin, told.readLast] : [told.beginsWith, told.leftBehind];
    const asks = told.asks(queryName(), view.step === 0 ? atFirst : later, element("span", { class: "formula" }, formula()));
    return [...written, ...asks, ...averageOfStep(part)];
  };

  return {
    node,
    follows: ["step", "column", "position", "dimension"],
    build() {
      node.hidden = currentPart() === null;
      if (!node.hidden) states.build(currentPart());
    },
    update() {
      const part = currentPart();
      if (part === null) return;
      story.replaceChildren(...tellStory(part));
      states.update(part);
    },
  };
};
