// What the page says of its work: to eyes where something is wrong, to ears always.

const REPEATED = new Set([429, 503]); // refusals that pass by themselves

const wantsKey = (refusal) => refusal.status === 403;

// A refusal in words that help; behind them what the server said of a text that it cannot take.
const tellRefusal = (refusal, seconds) => {
  const { errors } = said;
  if (refusal.status === 0) return [errors.gone];
  if (refusal.status === 413) return [errors.tooLong, refusal.message && ` (${refusal.message.slice(0, 300)})`];
  if (refusal.status === 429) return [errors.busy(seconds)];
  if (refusal.status === 503) return [errors.away(seconds)];
  if (refusal.status === 408 || refusal.status === 504) return [errors.slow];
  if (refusal.status >= 500) return [errors.fault];
  return [errors.refused, refusal.message && ` (${refusal.message.slice(0, 300)})`];
};

const makeStatus = (again) => {
  const { element } = page;
  const quiet = element("p", { class: "hidden-text", role: "status" });
  const trouble = element("p", { class: "trouble-text", role: "alert" });
  const button = element("button", { type: "button", class: "small", on: { click: again } }, said.again);
  const box = element("div", { class: "trouble", hidden: true }, trouble, button);
  const calm = (text) => {
    box.hidden = true;
    trouble.replaceChildren();
    quiet.textContent = text;
  };
  const warn = (refusal, seconds) => {
    quiet.textContent = "";
    box.hidden = false;
    button.hidden = refusal.status >= 400 && refusal.status < 500 && !REPEATED.has(refusal.status) && refusal.status !== 408; // the same text would be refused again
    trouble.replaceChildren(...tellRefusal(refusal, seconds).filter(Boolean));
  };
  return { node: element("div", {}, quiet, box), calm, warn };
};
