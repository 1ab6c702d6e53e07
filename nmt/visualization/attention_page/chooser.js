// Which sentence is looked at, where there are several.

const makeChooser = () => {
  const { element } = page;
  const options = items.map((item, place) => element("option", { value: place }, `${item.name}: ${item.line.source.slice(0, 80)}`));
  const select = element("select", { id: "sentence", on: { change: () => change({ item: Number(select.value) }) } }, ...options);
  const before = element("button", { type: "button", "aria-label": told.sentenceBefore, on: { click: () => change({ item: view.item - 1 }) } }, "↑");
  const after = element("button", { type: "button", "aria-label": told.nextSentence, on: { click: () => change({ item: view.item + 1 }) } }, "↓");
  const update = () => {
    select.value = String(view.item);
    before.disabled = view.item === 0;
    after.disabled = view.item === items.length - 1;
  };
  const node = element("nav", { class: "chooser", "aria-label": told.sentences }, element("label", { for: "sentence" }, told.sentence), select, before, after);
  node.hidden = items.length < 2;
  return { node, build: update, update, follows: ["item"] };
};
