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
    element("h2", { id: "walk-title" }, hasAttention ? "What this step makes of the hidden states" : "What this step knows of the source"),
    story,
    states.node,
  );

  const tellStory = (part) => {
    const before = part.target_tokens.slice(Math.max(0, view.step - MOST_TOLD), view.step);
    if (view.step > MOST_TOLD) before.unshift("…");
    const written = before.length
      ? ["It has written ", element("bdi", { class: "token-name" }, before.join(" ")), " so far. "]
      : ["Nothing is written yet. "];
    if (!hasAttention) return [...written, "All it has of the source is the one fixed vector below, the same at every step."];
    const first = view.step === 0;
    const query = model.conditional
      ? `its state ${queryName()}, which has just read ${first ? "the mark of the beginning" : "the last of these"}`
      : `its state ${queryName()}, ${first ? "the one that it begins with" : "as the step before has left it"}`;
    return [
      ...written,
      `What it asks of the source is in ${query}: the query. Every hidden state hⱼ of the encoder is compared with it, and gets the score `,
      element("span", { class: "formula" }, formula()),
      ".",
      ...averageOfStep(part),
    ];
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
