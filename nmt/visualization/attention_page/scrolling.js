// Boxes that scroll where their content is too large, and show that they do.

const EDGES = ["left", "right", "above", "below"];

// A box around nodes: at an edge behind which there is more it fades, and where it goes on sideways a line says so.
const makeScroll = (label, ...kids) => {
  const { element } = page;
  const box = element("div", { class: "scroll", role: "region", "aria-label": label }, ...kids);
  const edges = EDGES.map((name) => element("i", { class: `edge ${name}`, hidden: true }));
  const hint = element("p", { class: "soft small hint", hidden: true }, told.more);
  const look = () => {
    const [wide, tall] = [box.scrollWidth - box.clientWidth, box.scrollHeight - box.clientHeight];
    const left = getComputedStyle(box.firstElementChild).direction === "rtl" && box.scrollLeft <= 0 ? wide + box.scrollLeft : box.scrollLeft;
    const hiddenThere = [left, wide - left, box.scrollTop, tall - box.scrollTop];
    edges.forEach((edge, place) => {
      edge.hidden = hiddenThere[place] < 2;
    });
    hint.hidden = wide < 2;
    box.tabIndex = wide < 2 && tall < 2 ? -1 : 0;
  };
  box.addEventListener("scroll", look, { passive: true });
  const observer = new ResizeObserver(look);
  for (const node of [box, ...box.children]) observer.observe(node);
  return { box, node: element("div", { class: "scroll-frame" }, element("div", { class: "edges" }, box, ...edges), hint) };
};

// Scrolls a box, and nothing around it, until a node inside is in sight.
const intoSight = (box, node) => {
  const [frame, inner] = [box.getBoundingClientRect(), node.getBoundingClientRect()];
  if (inner.left < frame.left || inner.right > frame.right) box.scrollLeft += inner.left + inner.width / 2 - frame.left - frame.width / 2;
  if (inner.top < frame.top || inner.bottom > frame.bottom) box.scrollTop += inner.top + inner.height / 2 - frame.top - frame.height / 2;
};
