// What a terminal shows, as a picture without a script and without a font of its own.

/** Of one character, at 14 px: any monospaced font is drawn to this grid by textLength. */
const cell = { width: 8.4, height: 19 };
const margin = { side: 18, top: 44, bottom: 18 };

/** The 16 colours of a dark terminal; all at least 4.5 : 1 on its ground. */
const colours = ['#8b949e', '#ff7b72', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#e6edf3'];
const ground = '#0d1117';
const plain = { colour: null, bold: false, dim: false, italic: false, underline: false };

/**
 * The style after one SGR sequence (ECMA-48 8.3.117): the parameters that this program and tmux write, others left
 * alone.
 */
function styled(style, parameters) {
  const codes = parameters === '' ? [0] : parameters.split(/[;:]/).map(Number);
  let now = style;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) now = plain;
    else if (code === 1) now = { ...now, bold: true };
    else if (code === 2) now = { ...now, dim: true };
    else if (code === 3) now = { ...now, italic: true };
    else if (code === 4) now = { ...now, underline: true };
    else if (code === 22) now = { ...now, bold: false, dim: false };
    else if (code === 23) now = { ...now, italic: false };
    else if (code === 24) now = { ...now, underline: false };
    else if (code >= 30 && code <= 37) now = { ...now, colour: code - 30 };
    else if (code >= 90 && code <= 97) now = { ...now, colour: code - 90 };
    else if (code === 39) now = { ...now, colour: null };
    else if (code === 38 || code === 48) {
      // 38;5;N: the first 16 of 256 are the ones above; 38;2;R;G;B is drawn in the terminal's own colour.
      if (codes[at + 1] === 5 && code === 38) now = { ...now, colour: codes[at + 2] < 16 ? codes[at + 2] % 8 : null };
      at += codes[at + 1] === 5 ? 2 : 4;
    }
  }
  return now;
}

/** Runs of one style in a line of text with escape sequences; other sequences than SGR are dropped. */
function runsOf(line, first) {
  const runs = [];
  let style = first;
  let column = 0;
  for (const part of line.split(/(\u001b\[[0-9;:?]*[A-Za-z])/)) {
    const [, parameters, final] = /^\u001b\[([0-9;:?]*)([A-Za-z])$/.exec(part) ?? [];
    if (final !== undefined) {
      if (final === 'm') style = styled(style, parameters);
    } else if (part !== '') {
      const text = part.replaceAll(/[\u0000-\u001f\u007f]/g, '');
      const length = [...text].length;
      if (text.trim() !== '') runs.push({ column, text, length, style });
      column += length;
    }
  }
  return { runs, style };
}

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const number = (value) => String(Math.round(value * 10) / 10);

/**
 * `screen`: lines as `tmux capture-pane -e` prints them; `title`: what stands in the window's bar; `description`: what
 * a reader hears who does not see it. Returns the text of an SVG, as wide as `columns`.
 */
export function toSvg(screen, { title, description, columns }) {
  const lines = screen.replace(/\s+$/, '').split('\n');
  const width = columns * cell.width + 2 * margin.side;
  const height = margin.top + lines.length * cell.height + margin.bottom;
  let style = plain;
  const rows = lines.flatMap((line, row) => {
    const found = runsOf(line, style);
    style = found.style;
    const y = margin.top + (row + 0.75) * cell.height;
    return found.runs.map(({ column, text, length, style: { colour, bold, dim, italic, underline } }) => {
      const lead = text.length - text.trimStart().length;
      const shown = text.trim();
      const classes = [
        ...(colour === null ? [] : [`c${colour}`]),
        ...(bold ? ['b'] : []),
        ...(dim ? ['d'] : []),
        ...(italic ? ['i'] : []),
        ...(underline ? ['u'] : []),
      ];
      const size = [...shown].length;
      return `<text x="${number(margin.side + (column + lead) * cell.width)}" y="${number(y)}"${size > 1 ? ` textLength="${number(size * cell.width)}"` : ''}${classes.length > 0 ? ` class="${classes.join(' ')}"` : ''}>${escaped(shown)}</text>`;
    });
  });
  const rules = colours.map((colour, at) => `.c${at}{fill:${colour}}`).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${number(width)} ${number(height)}" width="${number(width)}" height="${number(height)}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title><desc id="description">${escaped(description)}</desc>
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:#e6edf3;white-space:pre}.b{font-weight:700}.d{fill:#9aa4af}.i{font-style:italic}.u{text-decoration:underline}${rules}</style>
<rect width="100%" height="100%" rx="10" fill="${ground}"/><circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/><text x="${number(width / 2)}" y="25" text-anchor="middle" class="d">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`;
}
