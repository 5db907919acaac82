const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openingBrace, closingBrace, openingBracket, closingBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const [lineFeed, blank] = [0x0a, 0x20];
const indent = 2;

/** The octets, with room for so many. */
function withRoom(octets: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= octets.length) return octets;
  const larger = new Uint8Array(2 * length);
  larger.set(octets);
  return larger;
}

/**
 * The octets of JSON as `JSON.stringify(value)` gives it, laid out as `JSON.stringify(value, null, 2)` does where the value stands so many levels deep. It may be several
 * values with commas between them. It looks for no fault: any other text is laid out somehow.
 */
export function indentJson(json: Uint8Array, depth: number): Uint8Array<ArrayBuffer> {
  const { length } = json;
  let out = new Uint8Array(2 * length);
  let used = 0;
  let level = depth;
  // One loop and no function of its own for a line: V8 keeps in registers what no other function sees.
  for (let at = 0; at < length; ) {
    const octet = json[at] ?? 0;
    at += 1;
    // Beside what is left as it is, a line and two octets.
    if (out.length - used < length - at + indent * (level + 1) + 4) out = withRoom(out, used + length - at + indent * (level + 1) + 4);
    if (octet === quote) {
      out[used] = quote;
      used += 1;
      for (let isOpen = true; isOpen && at < length; ) {
        const inside = json[at] ?? 0;
        out[used] = inside;
        used += 1;
        at += 1;
        if (inside === quote) isOpen = false;
        else if (inside === backslash) {
          out[used] = json[at] ?? 0;
          used += 1;
          at += 1;
        }
      }
      continue;
    }
    const begins = octet === openingBrace || octet === openingBracket;
    const ends = octet === closingBrace || octet === closingBracket;
    const next = json[at];
    if (begins && (next === closingBrace || next === closingBracket)) {
      out[used] = octet;
      out[used + 1] = next;
      used += 2;
      at += 1;
      continue;
    }
    if (begins) level += 1;
    if (ends) level -= 1;
    if (!ends) {
      out[used] = octet;
      used += 1;
    }
    if (octet === colon) {
      out[used] = blank;
      used += 1;
    }
    if (begins || ends || octet === comma) {
      out[used] = lineFeed;
      used += 1;
      for (const end = used + indent * level; used < end; used += 1) out[used] = blank;
    }
    if (ends) {
      out[used] = octet;
      used += 1;
    }
  }
  return out.subarray(0, used);
}
