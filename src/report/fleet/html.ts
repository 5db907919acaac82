import { firstLines } from '../../core/text/names.js';
import type { FleetHost, FleetReport } from '../../core/model/fleet.js';
import { counted } from '../../core/text/escape.js';
import { html, type Markup, nothing, toneOf, wordMarkup } from '../html/markup.js';
import { pageShell } from '../html/page-shell.js';
import { fleetCountsText, fleetWord, groupHosts, groupWord, hostLines, hostWord, worstFirst } from './terminal.js';

const maxLines = 50;

/** Paths may hold anything. `./` keeps a colon from making a scheme. */
function hrefOf(page: string): string {
  const path = page.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? path : `./${path}`;
}

function groupsMarkup({ groups }: FleetReport): Markup {
  const rows = groups.map(
    (group) =>
      html`<tr><td class="word">${wordMarkup(groupWord(group))}</td><th scope="row">${group.code}</th><td>${groupHosts(group)}</td></tr>`,
  );
  return rows.length === 0
    ? nothing
    : html`<section aria-labelledby="causes"><h2 id="causes">By cause</h2><div class="wide" tabindex="0" role="region" aria-label="Causes and their hosts"><table><thead><tr><th scope="col">what</th><th scope="col">cause</th><th scope="col">hosts</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

function changesMarkup({ since }: FleetReport): Markup {
  if (since === null) return nothing;
  const items = since.changes.map(({ host, text }) => html`<li>${host}: ${text}</li>`);
  return html`<section aria-labelledby="since"><h2 id="since">Since ${since.at}</h2><ul>${items.length === 0 ? html`<li>nothing changed</li>` : items}</ul></section>`;
}

function row(entry: FleetHost, at: number, troubled: boolean): Markup {
  const { host, runs } = entry;
  const name = troubled ? html`<a href="#host${at}">${host}</a>` : html`${host}`;
  const list = runs.map(
    ({ scenario, answer, observed, ports, startedAt, rootHash, page }) =>
      html`<div>${page === null ? scenario : html`<a href="${hrefOf(page)}">${scenario}</a>`}: ${answer}, ${observed} of ${counted(ports, 'port')}, ${startedAt}, root hash <code>${rootHash ?? 'none'}</code></div>`,
  );
  return html`<tr><th scope="row">${name}</th><td class="word">${wordMarkup(hostWord(entry))}</td><td>${list.length === 0 ? 'no run' : list}</td></tr>`;
}

/** One page for all hosts. Each run's page is in its folder. */
export function fleetHtml(report: FleetReport): string {
  const word = fleetWord(report);
  const hosts = worstFirst(report.hosts).map((host) => ({ host, lines: hostLines(host) }));
  const details = hosts.map(({ host, lines }, at) => ({
    markup:
      lines.length === 0
        ? ''
        : html`<section aria-labelledby="host${at}"><h2 id="host${at}">${host.host}</h2><ul>${firstLines(lines, maxLines, (more) => `and ${more} more`).map((line) => html`<li>${line}</li>`)}</ul></section>`
            .markup,
  }));
  return pageShell({
    title: `${word.text}: ${fleetCountsText(report)}`,
    nav: [html`<a href="#hosts">Hosts</a>`],
    content: [
      html`<h1>Are guests isolated from each other on these hosts?</h1><div class="verdict ${toneOf(word)}"><strong>${wordMarkup(word)}</strong><p>${fleetCountsText(report)}</p></div>`,
      groupsMarkup(report),
      changesMarkup(report),
      html`<section aria-labelledby="hosts"><h2 id="hosts">Hosts</h2><div class="wide" tabindex="0" role="region" aria-label="Hosts and their verdicts"><table><thead><tr><th scope="col">host</th><th scope="col">verdict</th><th scope="col">runs</th></tr></thead><tbody>${hosts.map(({ host, lines }, at) => row(host, at, lines.length > 0))}</tbody></table></div></section>`,
      ...details,
    ],
    foot: 'This file is a view; the evidence in the hosts\u2019 folders is what counts.',
  });
}
