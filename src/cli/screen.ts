interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const maxColumns = 120;
const wideColumns = 250;

/** COLUMNS, else up to 120 of the terminal, else `usual` (a pipe). */
export function columnsOf(screen: Screen, usual = 80, isWide = false): number {
  const wanted = Number(process.env['COLUMNS']);
  if (Number.isInteger(wanted) && wanted >= 20) return wanted;
  if (isWide) return screen.columns || wideColumns;
  return Math.min(screen.columns || usual, maxColumns);
}

/** NO_COLOR (no-color.org) and FORCE_COLOR (force-color.org) decide, else a terminal that is not dumb. */
export function wantsColor({ isTTY }: Screen): boolean {
  if ((process.env['NO_COLOR'] ?? '') !== '') return false;
  if ((process.env['FORCE_COLOR'] ?? '') !== '') return process.env['FORCE_COLOR'] !== '0';
  return isTTY === true && process.env['TERM'] !== 'dumb';
}
