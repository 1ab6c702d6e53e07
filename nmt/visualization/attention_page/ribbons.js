// Where ribbons run: from word to word, wherever these stand.

// Side by side where a sentence does not fit into one line, one below the other where it does.
const placeRibbons = ({ field, source, target, curves, ribbons }) => {
  field.classList.remove("beside");
  const fits = [source, target].every((side) => side.scrollWidth <= side.clientWidth + 1);
  field.classList.toggle("beside", !fits);
  const box = field.getBoundingClientRect();
  const boxes = (side) => [...side.children].map((word) => word.getBoundingClientRect());
  const [from, to] = [boxes(source), boxes(target)];
  const bottom = (one) => [one.left + one.width / 2 - box.left, one.bottom - box.top + 2];
  const top = (one) => [one.left + one.width / 2 - box.left, one.top - box.top - 2];
  const right = (one) => [one.right - box.left + 2, one.top + one.height / 2 - box.top];
  const left = (one) => [one.left - box.left - 2, one.top + one.height / 2 - box.top];
  const [start, end] = fits ? [bottom, top] : [right, left];
  const curve = fits ? curveDown : curveAcross;
  for (const ribbon of ribbons) ribbon.path.setAttribute("d", curve(start(from[ribbon.from]), end(to[ribbon.to])));
  curves.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  if (ribbons.length) aimColours(curves, start(from[0]), end(to[0]), fits);
};

const curveDown = ([x1, y1], [x2, y2]) => `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`;
const curveAcross = ([x1, y1], [x2, y2]) => `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;

// From the colour of the source to that of the target, along the way of the ribbons.
const aimColours = (curves, [x1, y1], [x2, y2], down) => {
  const ends = down ? { x1: 0, y1, x2: 0, y2 } : { x1, y1: 0, x2, y2: 0 };
  const gradient = curves.querySelector("linearGradient");
  for (const [name, value] of Object.entries(ends)) gradient.setAttribute(name, value);
};
