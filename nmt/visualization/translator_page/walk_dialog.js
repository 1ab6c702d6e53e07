// The walk through the decoder's steps for one sentence, asked for live.

const makeWalkDialog = () => {
  const { element } = page;
  const close = element("button", { type: "button", on: { click: () => dialog.close() } }, said.close);
  const heading = element("div", {}, element("h2", { id: "walk-dialog-title" }, said.howTitle));
  const body = element("div", { class: "dialog-body", tabindex: -1 });
  const dialog = element("dialog", { class: "walk-dialog", "aria-labelledby": "walk-dialog-title" }, element("div", { class: "dialog-head" }, heading, close), body);
  let controller = null;
  takeKeys(dialog);
  dialog.addEventListener("close", () => {
    controller?.abort();
    panels.length = 0;
    body.replaceChildren();
  });

  const open = async (model, sentence) => {
    controller?.abort();
    const mine = new AbortController();
    controller = mine;
    heading.replaceChildren(heading.firstChild);
    body.replaceChildren(element("p", { role: "status" }, said.loading));
    dialog.showModal();
    const unit = writesNoSpaces(model.source) || writesNoSpaces(model.target) ? "token" : "word";
    try {
      const data = await askServer("/v1/attend", { text: sentence.source, model: model.name, unit }, mine.signal);
      if (mine.signal.aborted) return;
      showAttention(data, body);
      heading.append(aboutModel());
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!mine.signal.aborted) body.replaceChildren(element("p", { role: "alert" }, ...tellRefusal(error, 0)));
    }
  };
  return { node: dialog, open };
};
