// The tokens of the translation, and which of them is being written: stays in sight while the page scrolls.

const makeStepper = () => {
  const { element } = page;
  const count = element("span", { class: "count", "aria-live": "polite" });
  const button = (name, label, to) =>
    element("button", { type: "button", "aria-label": label, on: { click: () => stepTo(to()) } }, name);
  const buttons = [
    button("⇤", told.stepNames[0], () => 0),
    button("←", told.stepNames[1], () => view.step - 1),
    button("→", told.stepNames[2], () => view.step + 1),
    button("⇥", told.stepNames[3], () => Infinity),
  ];
  const chips = element("div", { class: "chips", dir: "auto", role: "group", "aria-label": told.tokensOfTranslation });

  const build = () => {
    const part = currentPart();
    node.hidden = part === null;
    const makeChip = (token, step) =>
      element("button", { type: "button", class: "chip", "data-step": step, on: { click: () => stepTo(step) } }, ...tokenText(token));
    chips.replaceChildren(...(part?.target_tokens ?? []).map(makeChip));
  };
  const update = () => {
    const part = currentPart();
    if (part === null) return;
    const last = part.target_tokens.length - 1;
    count.textContent = told.step(view.step + 1, last + 1);
    buttons.forEach((one, place) => {
      one.disabled = place < 2 ? view.step === 0 : view.step === last;
    });
    const hadFocus = chips.contains(document.activeElement);
    [...chips.children].forEach((chip, step) => {
      const here = step === view.step;
      chip.tabIndex = here ? 0 : -1;
      chip.classList.toggle("later", step > view.step);
      if (here) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
      if (here && hadFocus) chip.focus({ preventScroll: true });
      if (here) intoSight(chips, chip);
    });
  };

  const node = element(
    "div",
    { class: "panel stepper", role: "group", "aria-label": told.steps },
    element("div", { class: "controls" }, ...buttons, count),
    chips,
  );
  return { node, build, update, follows: ["step"] };
};
