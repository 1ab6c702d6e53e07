// One step of the decoder: what it has written so far, and what it asks of the source.

const MOST_TOLD = 10; // tokens of what is written so far

const FORMULAS = {
  additive: "eₜⱼ = vᵀ tanh(W s + U hⱼ)",
  general: "eₜⱼ = sᵀ W hⱼ",
  dot: "eₜⱼ = sᵀ hⱼ",
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
    const asks = model.conditional
      ? "Its state s, which has just read the last of these, is compared with every hidden state hⱼ of the encoder"
      : "Its state s of before this step is compared with every hidden state hⱼ of the encoder";
    return [...written, `${asks}: the score is `, element("span", { class: "formula" }, FORMULAS[model.attention]), "."];
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
