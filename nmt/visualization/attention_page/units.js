// Whether ribbons and matrix are drawn of words or of tokens.

const makeUnits = () => {
  const units = [
    ["words", told.words],
    ["tokens", told.tokens],
  ];
  const buttons = units.map(([unit, name]) =>
    page.element("button", { type: "button", "data-unit": unit, on: { click: () => change({ unit }) } }, name),
  );
  const tell = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.unit === view.unit));
  };
  panels.push({ build: tell, update: tell, follows: ["unit"] });
  return page.element("div", { class: "choice", role: "group", "aria-label": told.drawBy }, ...buttons);
};
