interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Columns of a report: COLUMNS if it is set, else those of the terminal, else `usual` (a pipe has no size). */
export function columnsOf(screen: Screen, usual = 80): number {
  const wanted = Number(process.env['COLUMNS']);
  if (Number.isInteger(wanted) && wanted >= 20) return wanted;
  return screen.columns || usual;
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
