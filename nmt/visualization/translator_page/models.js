// Which languages, and which of their models: several are shown side by side.

const makeModels = (models, changed) => {
  const { element } = page;
  const state = { source: models[0].source, target: models[0].target, chosen: [models[0].name] };
  const nameOf = new Map(models.flatMap((one) => [[one.source, one.source_name], [one.target, one.target_name]]));
  const pairs = (source, target) => models.filter((one) => one.source === source && one.target === target);
  const unique = (codes) => [...new Set(codes)];

  const option = (code) => element("option", { value: code, lang: null }, languageName(code, nameOf.get(code)));
  const from = element("select", { id: "from", on: { change: () => choose(from.value, state.target) } }, ...unique(models.map((one) => one.source)).map(option));
  const to = element("select", { id: "to", on: { change: () => choose(state.source, to.value) } });
  const swap = element("button", { type: "button", class: "swap", on: { click: () => swapNow() } }, "⇄");
  const boxes = element("div", { class: "boxes" });
  const several = element("fieldset", { class: "several" }, element("legend", { class: "soft small" }, said.models), boxes);

  const choose = (source, target, taken = null) => {
    const targets = unique(models.filter((one) => one.source === source).map((one) => one.target));
    state.source = source;
    state.target = targets.includes(target) ? target : targets[0];
    state.chosen = [pairs(state.source, state.target)[0].name];
    show();
    changed(taken);
  };
  const swapNow = () => choose(state.target, state.source, "translation");

  const toggle = (name, isOn) => {
    const order = pairs(state.source, state.target).map((one) => one.name);
    const chosen = isOn ? [...state.chosen, name] : state.chosen.filter((one) => one !== name);
    state.chosen = order.filter((one) => chosen.includes(one));
    show();
    changed(null);
  };

  const box = (one) => {
    const isOn = state.chosen.includes(one.name);
    const isLast = isOn && state.chosen.length === 1;
    const input = element("input", { type: "checkbox", checked: isOn, disabled: isLast, value: one.name, on: { change: (event) => toggle(one.name, event.target.checked) } });
    return element("label", { class: "box" }, input, element("bdi", {}, one.name), one.attention === "none" && element("span", { class: "soft small" }, said.noAttention));
  };

  const show = () => {
    const focused = boxes.contains(document.activeElement) ? document.activeElement.value : null;
    from.value = state.source;
    to.replaceChildren(...unique(models.filter((one) => one.source === state.source).map((one) => one.target)).map(option));
    to.value = state.target;
    const back = pairs(state.target, state.source).length > 0;
    swap.disabled = !back;
    swap.title = back ? said.swap : said.noSwap;
    swap.setAttribute("aria-label", swap.title);
    const ofPair = pairs(state.source, state.target);
    several.hidden = ofPair.length < 2;
    boxes.replaceChildren(...ofPair.map(box));
    if (focused !== null) [...boxes.querySelectorAll("input")].find((one) => one.value === focused)?.focus();
  };

  show();
  const node = element(
    "div",
    { class: "models" },
    element("label", { class: "language" }, element("span", { class: "soft small" }, said.from), from),
    swap,
    element("label", { class: "language" }, element("span", { class: "soft small" }, said.to), to),
    several,
  );
  return { node, state, chosen: () => state.chosen.map((name) => models.find((one) => one.name === name)) };
};
