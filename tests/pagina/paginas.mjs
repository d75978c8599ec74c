// Which pages there are, for whom, and what each must say and write.

import { hold } from './toets.mjs';

/** Below each page; and below each page that is a look. */
export const FOOTER = 'U ziet nooit inhoud.';
export const LOGGED = `${FOOTER} Dat u dit bekijkt, staat in het logboek.`;
export const FG = 'fg-zsm';
/** The FG of a ZVH who comes first where people ask: it is granted to see what ZSM exchanged too. */
export const FIRST_CONTACT = 'fg-zvh-baronie-breda';
/** An FG who sees what its own partner took part in. */
export const OTHER_FG = 'fg-zvh-zeeland';
export const AUDITOR = 'auditor';
export const CONTACT = 'contact-zvh-baronie-breda';
export const OTHER_CONTACT = 'contact-zvh-zeeland';
export const PARTNER = 'zsm';
/** Of a case of the demo: somebody about whom there is something to find. */
export const PERSON = { naam: 'Bram van Verzonnenhove', geboortedatum: '1987-05-12', skn: '7310482' };
export const EMPLOYEE = 'zsm-beoordelaar-14';
export const YESTERDAY = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
export const REASON = 'controle na een vraag van de betrokkene';

/** Pages by address: the heading, and how many looks showing it is. */
export function pages({ bericht, bewijs, dossier, menu, drawings }) {
  const of = [
    ['/', 'Overzicht', 1],
    ['/uitwisselingen', 'Uitwisselingen', 1],
    ['/uitwisselingen?toon=wie-met-wie', 'Uitwisselingen', 1],
    [`/uitwisselingen/${bericht}`, 'Verloop van een bericht', 1],
    ['/controleren', 'Controleren', 1],
    // A form to fill in shows nothing yet.
    ['/betrokkene', 'Betrokkene', 0],
    ['/convenanten', 'Convenanten', 1],
    ['/rapport', 'Rapport', 1],
    ['/inzage', 'Verzoeken om inzage', 1],
    ['/inzage?ook_gesloten=ja', 'Verzoeken om inzage', 1],
    [`/inzage/${dossier}`, `Verzoek om inzage ${dossier}`, 1],
    [`/inzage/${dossier}/overzicht`, 'Overzicht van uw gegevens in Ketenpoort', 1],
    ['/wie-keek', 'Wie keek er', 1],
    ['/datalekken', 'Datalekken', 1],
    ['/factsheets', 'Factsheets', 1],
  ];
  const unknown = menu.filter(address => !of.some(([known]) => known === address));
  hold(unknown.length === 0, `the menu has pages that are not tested: ${unknown.join(', ')}`);
  const downloads = [
    [`/bewijs/${bewijs}`, 'text/plain', 1],
    ['/checkpoint', 'text/plain', 1],
    // What is allowed is no logboek.
    ['/stromenschema.svg', 'image/svg+xml', 0],
    ['/rapport.csv', 'text/csv', 1],
    ['/rapport.json', 'application/json', 1],
    ['/factsheets.csv', 'text/csv', 1],
    ...drawings.map(address => [address, 'image/svg+xml', 1]),
  ];
  return { shown: of.map(([address, h1, looks]) => ({ address, h1, looks })), downloads };
}

export const h1 = html => plain(html.match(/<h1[^>]*>(.*?)<\/h1>/s)?.[1] ?? '');

/** HTML without its escapes. */
export function plain(html) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return html.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    return hex ? String.fromCodePoint(parseInt(hex, 16)) : (named[name] ?? all);
  });
}

/** That an answer is a page in Dutch with sentences. */
export function isPage(answer) {
  hold(
    /^text\/html/.test(answer.headers['content-type'] ?? ''),
    `no page but ${answer.headers['content-type']}: ${answer.text.slice(0, 120)}`,
  );
  hold(answer.text.includes('<html lang="nl"'), 'it does not say that it is Dutch');
  hold(/<p[^>]*>[^<]{10,}\./.test(answer.text), 'there is no sentence on it');
}

/** That a request was refused with this status, as a page. */
export function isRefused(answer, ...statuses) {
  hold(statuses.includes(answer.status), `status ${answer.status}, and not ${statuses.join(' or ')}`);
  isPage(answer);
  hold(
    !/<script[^>]*>(?!<\/script>)/.test(answer.text) && !answer.text.includes('"><script'),
    'it repeats HTML that was typed',
  );
}

/** Refusals that are about one field, and say so in their sentence. */
const SAID = { pagina: /Deze bladzijde hoort niet/, afzender: /\bpartner\b/, ontvanger: /\bpartner\b/, loket: /\bpartner\b/ };

/** That a wrong field is named, each with what is asked. */
export function isNamed(answer, field) {
  isRefused(answer, 400);
  if (SAID[field]?.test(answer.text.slice(answer.text.indexOf('<main')))) return;
  const named = [...answer.text.matchAll(/<strong data-veld="(.*?)">.*?<\/strong>: (.*?)<\/li>/gs)].map(([, naam]) => plain(naam));
  const has = named.some(naam => naam === field || naam.split('.').includes(field));
  hold(has, `it does not name ${field}, but ${named.join(', ') || 'nothing'}`);
}
