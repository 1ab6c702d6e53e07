// Places in texts. The server counts code points, the browser units of UTF-16.

// A function from places in code points to places in units.
const unitsOf = (text) => {
  const starts = [];
  let place = 0;
  for (const letter of text) {
    starts.push(place);
    place += letter.length;
  }
  starts.push(place);
  return (point) => starts[Math.min(point, starts.length - 1)];
};

// Where pieces stand in a text that has them one after the other: null for one that is not found.
const placesOf = (pieces, text) => {
  let from = 0;
  return pieces.map((piece) => {
    const begin = piece === "" ? -1 : text.indexOf(piece, from);
    if (begin < 0) return null;
    from = begin + piece.length;
    return { begin, end: from };
  });
};

// Words as the server splits them: what it calls white space is not all that the browser does.
const wordsOf = (text) => text.split(/[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/).filter((word) => word !== "");
