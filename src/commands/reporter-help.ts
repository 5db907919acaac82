/**
 * Forms of a report, named here so that --help need not load what makes them; a test holds the list to the reporters
 * that there are.
 */
export const formatNames = [
  'terminal',
  'json',
  'junit',
  'html',
  'markdown',
  'github',
  'prometheus',
  'ndjson',
  'nagios',
] as const;

export const reporterHelp = `NAME or NAME=PATH, several times: ${formatNames.join(', ')}`;
