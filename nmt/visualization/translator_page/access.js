// The key that a server may ask for.

const makeAccess = (retry) => {
  const { element } = page;
  const field = element("input", { id: "key", class: "key", autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true });
  const wrong = element("p", { class: "small", role: "alert" });
  const use = () => {
    if (field.value.trim() === "") return field.focus();
    apiKey = field.value.trim();
    retry();
  };
  const form = element(
    "div",
    { class: "panel access", role: "group", "aria-labelledby": "key-title", hidden: true, on: { keydown: (event) => event.key === "Enter" && event.target === field && use() } },
    element("h2", { id: "key-title" }, said.keyTitle),
    element("p", { class: "small soft" }, said.keyText),
    element("div", { class: "key-row" }, element("label", { for: "key" }, said.keyLabel), field, element("button", { type: "button", on: { click: use } }, said.keyUse)),
    wrong,
  );
  const ask = () => {
    wrong.textContent = apiKey === null ? "" : said.keyWrong;
    form.hidden = false;
    field.focus();
  };
  const done = () => {
    form.hidden = true;
  };
  return { node: form, ask, done };
};
