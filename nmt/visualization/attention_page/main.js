// The view as a whole.

// Arrow keys, Home and End walk through the steps, wherever the focus is within a node.
const takeKeys = (node) => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  node.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!(event.key in steps) || event.target.closest("select, input, textarea, .scroll:focus") || currentPart() === null) return;
    const backwards = event.key.startsWith("Arrow") && getComputedStyle(document.querySelector(".chips")).direction === "rtl";
    event.preventDefault();
    stepTo(view.step + (backwards ? -1 : 1) * steps[event.key]);
  });
};

// Fills an element with the view of some data.
const showAttention = (data, parent) => {
  const { element } = page;
  take(data);
  const [chooser, stepper, sentences, matrix, walk, softmax, choices, beam] = [
    makeChooser(),
    makeStepper(),
    makeSentences(),
    hasAttention ? makeMatrix() : null,
    makeWalk(),
    hasAttention ? makeSoftmax() : null,
    makeChoices(),
    makeBeam(),
  ];
  panels.push(...[chooser, stepper, sentences, matrix, walk, softmax, choices, beam].filter((panel) => panel !== null));
  parent.replaceChildren(
    chooser.node,
    stepper.node,
    element("div", { class: "overview" }, sentences.node, matrix?.node),
    makeExplanation(),
    walk.node,
    ...(softmax === null ? [] : [softmax.node]),
    element("div", { class: "columns" }, choices.node, beam.node),
  );
  for (const panel of panels) {
    panel.build();
    panel.update();
  }
};

// What the view is of, in a line.
const aboutModel = () => {
  const pair = `: ${model.source_language} → ${model.target_language}, ${told.kinds[model.attention]}`;
  return page.element("p", { class: "soft subtitle" }, told.model, page.element("bdi", {}, model.name), pair);
};
