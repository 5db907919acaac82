interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Lines of a report that are longer than this are read with effort: only `--wide` and COLUMNS ask for them. */
const maxColumns = 120;
/** Columns of a pipe with `--wide`. */
const wideColumns = 250;

/** Columns of a report: COLUMNS if it is set, else up to 120 of the terminal, else `usual` (a pipe has no size). */
export function columnsOf(screen: Screen, usual = 80, isWide = false): number {
  const wanted = Number(process.env['COLUMNS']);
  if (Number.isInteger(wanted) && wanted >= 20) return wanted;
  if (isWide) return screen.columns || wideColumns;
  return Math.min(screen.columns || usual, maxColumns);
}

/**
 * True if colors are printed: NO_COLOR (no-color.org) forbids them, FORCE_COLOR (force-color.org) asks for them, else a
 * terminal that is not dumb has them.
 */
export function wantsColor({ isTTY }: Screen): boolean {
  if ((process.env['NO_COLOR'] ?? '') !== '') return false;
  if ((process.env['FORCE_COLOR'] ?? '') !== '') return process.env['FORCE_COLOR'] !== '0';
  return isTTY === true && process.env['TERM'] !== 'dumb';
}
