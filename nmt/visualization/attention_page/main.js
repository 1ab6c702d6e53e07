// The page as a whole: which sentence, the panels, and the keyboard.

const makeChooser = () => {
  const { element } = page;
  const options = items.map((item, place) => element("option", { value: place }, `${item.name}: ${item.line.source.slice(0, 80)}`));
  const select = element("select", { id: "sentence", on: { change: () => change({ item: Number(select.value) }) } }, ...options);
  const before = element("button", { type: "button", "aria-label": "Sentence before", on: { click: () => change({ item: view.item - 1 }) } }, "↑");
  const after = element("button", { type: "button", "aria-label": "Next sentence", on: { click: () => change({ item: view.item + 1 }) } }, "↓");
  const update = () => {
    select.value = String(view.item);
    before.disabled = view.item === 0;
    after.disabled = view.item === items.length - 1;
  };
  const node = element("nav", { class: "chooser", "aria-label": "Sentences" }, element("label", { for: "sentence" }, "Sentence"), select, before, after);
  node.hidden = items.length < 2;
  return { node, build: update, update, follows: ["item"] };
};

const takeKeys = () => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!(event.key in steps) || event.target.closest("select, input, .scroll:focus") || currentPart() === null) return;
    const backwards = event.key.startsWith("Arrow") && getComputedStyle(document.querySelector(".chips")).direction === "rtl";
    event.preventDefault();
    stepTo(view.step + (backwards ? -1 : 1) * steps[event.key]);
  });
};

const subtitle = () => {
  const kinds = { additive: "additive attention", general: "general attention", dot: "dot attention", none: "no attention" };
  return page.element(
    "p",
    { class: "soft subtitle" },
    "Model ", page.element("bdi", {}, model.name), `: ${model.source_language} → ${model.target_language}, ${kinds[model.attention]}`,
  );
};

document.querySelector(".page-header h1").after(subtitle());
const [chooser, sentences, matrix, stepper, walk, softmax, choices, beam] = [
  makeChooser(),
  makeSentences(),
  hasAttention ? makeMatrix() : null,
  makeStepper(),
  makeWalk(),
  hasAttention ? makeSoftmax() : null,
  makeChoices(),
  makeBeam(),
];
const drawn = [chooser, sentences, matrix, stepper, walk, softmax, choices, beam].filter((panel) => panel !== null);
panels.push(...drawn);
page.main.replaceChildren(
  chooser.node,
  page.element("div", { class: "overview" }, sentences.node, matrix?.node),
  makeExplanation(),
  stepper.node,
  walk.node,
  ...(softmax === null ? [] : [softmax.node]),
  page.element("div", { class: "columns" }, choices.node, beam.node),
);
for (const panel of panels) {
  panel.build();
  panel.update();
}
takeKeys();
