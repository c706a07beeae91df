// Attention patterns: bytes of a packed one, and how they are painted.

const MOST_PIXELS = 64; // a side of a thumbnail

export class Pattern {
  constructor(packed, length, { steps, unknown }) {
    const text = atob(packed);
    this.bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    this.length = length;
    this.steps = steps;
    this.unknown = unknown;
  }

  code(query, key) {
    return this.bytes[(query * (query + 1)) / 2 + key];
  }

  weight(query, key) {
    const code = this.code(query, key);
    return code === this.unknown ? 0 : (code / this.steps) ** 2;
  }

  // The keys that a query looks at most, as [key, weight].
  strongest(query, most) {
    return Array.from({ length: query + 1 }, (_, key) => [key, this.weight(query, key)])
      .filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1]).slice(0, most);
  }
}

// The colour of every byte, for light or dark.
export function palette({ steps, unknown }) {
  const colours = new Uint8ClampedArray(256 * 4);
  for (let code = 0; code < 256; code++) {
    const rgb = code === unknown || code > steps ? [128, 128, 128] : attentionColour((code / steps) ** 2);
    colours.set([...rgb, 255], 4 * code);
  }
  return colours;
}

const never = () => (dark.matches ? [42, 46, 54, 255] : [233, 234, 236, 255]); // keys after the query

// Paint at most `most` pixels a side; each is the largest weight that it stands for.
export function paint(canvas, pattern, colours, most = MOST_PIXELS) {
  const size = Math.min(pattern.length, most);
  const step = pattern.length / size;
  const largest = new Uint8Array(size * size);
  for (let query = 0, at = 0; query < pattern.length; query++) {
    const row = Math.min(size - 1, Math.floor(query / step)) * size;
    for (let key = 0; key <= query; key++, at++) {
      const to = row + Math.min(size - 1, Math.floor(key / step));
      if (pattern.bytes[at] > largest[to] && pattern.bytes[at] !== pattern.unknown) largest[to] = pattern.bytes[at];
    }
  }
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(size, size);
  const blank = never();
  for (let query = 0; query < size; query++) {
    for (let key = 0; key < size; key++) {
      const at = query * size + key;
      pixels.data.set(key > query ? blank : colours.subarray(4 * largest[at], 4 * largest[at] + 4), 4 * at);
    }
  }
  context.putImageData(pixels, 0, 0);
}
