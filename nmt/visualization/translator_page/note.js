// The line below the texts: where the word that one points at looked, or who looked at it.

const makeNote = () => {
  const { element } = page;
  const node = element("p", { class: "soft small note", "aria-live": "polite" });
  const word = (place, text) => element("bdi", { class: "token-name" }, place === null || place === undefined ? "?" : text.slice(place.begin, place.end));

  // Invites to point at a word, once there is an answer.
  const invite = (isAnswered, hasAttention) => {
    node.hidden = !isAnswered;
    node.textContent = hasAttention ? said.hint : said.hintWithout;
  };

  // Tells where a word of a translation looked; of null, a word of a translation that the user chose, nothing is known.
  const tellTarget = (one, piece, model) => {
    const weights = piece === null ? [] : weightsAt(one, "target", piece);
    if (weights.length === 0) {
      node.textContent = model.attention === "none" ? said.hintWithout : piece === null ? said.hintChosen : said.hint;
      return;
    }
    const most = greatest(weights.slice(0, one.pieces.source.length));
    node.replaceChildren(...said.looked(word(one.pieces.target[piece], one.translation), word(one.pieces.source[most], one.source), page.percent(weights[most])));
  };

  // Tells which word of the translation looked most at a word of the text.
  const tellSource = (one, piece) => {
    const weights = weightsAt(one, "source", piece);
    const name = word(one.pieces.source[piece], one.source);
    if (weights.length === 0) {
      node.textContent = said.hintWithout;
      return;
    }
    const most = greatest(weights);
    if (weights[most] < 0.1 || one.pieces.target[most] === undefined) node.replaceChildren(...said.nobodyLooked(name));
    else node.replaceChildren(...said.lookedBy(name, word(one.pieces.target[most], one.translation), page.percent(weights[most])));
  };

  return { node, invite, tellTarget, tellSource };
};
