// What nobody should type, and what other sites make a browser send.

import {
  AUDITOR,
  CONTACT,
  EMPLOYEE,
  FG,
  PERSON,
  REASON,
  YESTERDAY,
  isNamed,
  isPage,
  isRefused,
  plain,
} from './paginas.mjs';
import { Gebreken, check, equal, hold } from './toets.mjs';

const HTML = '"><script>alert(1)</script>';
const PERIOD = [
  '/',
  '/convenanten',
  '/rapport',
  '/rapport.csv',
  '/rapport.json',
  '/datalekken',
  '/wie-keek',
  '/uitwisselingen',
  '/factsheets',
  '/factsheets.csv',
];
const LONG = 'x'.repeat(5000);
/** Values that no field takes, as they stand in an address. */
const NEVER = { NUL: 'a%00b', 'no UTF-8': '%FF', 'too long': LONG };
/** Fields of a choice or a form of their own, with what they are not. */
const CHOICES = [
  'partner',
  'soort',
  'berichtsoort',
  'weigering',
  'uitkomst',
  'loket',
  'gesprek',
  'houdbaar_van',
  'houdbaar_tot_en_met',
  'pagina',
  'toon',
  'buiten_kantooruren',
];
/** Fields in which anything may stand, since a text of long ago may have called it so. */
const OPEN = ['afzender', 'ontvanger', 'grondslag', 'regel', 'convenant'];
const MIB = 1 << 20;

export async function invoer(bench) {
  const { poort, shown, dossier, bericht } = bench;
  const asks = async (wrong, address, field) => {
    const shorter = address.length > 120 ? `${address.slice(0, 120)}..` : address;
    await wrong.of(shorter, async () => isNamed(await poort.ask(AUDITOR, address), field));
  };
  await check('a field that a page does not have is named on each page', async () => {
    const wrong = new Gebreken();
    for (const { address } of shown)
      await asks(wrong, `${address}${address.includes('?') ? '&' : '?'}onzin=1`, 'onzin');
    await asks(wrong, `/?${encodeURIComponent(HTML)}=1`, HTML);
    wrong.none();
  });
  await check('a period that is none is refused on each page, and the field is named', async () => {
    const wrong = new Gebreken();
    for (const address of PERIOD) {
      await asks(wrong, `${address}?van=2026-01-01&van=2026-01-02`, 'van');
      for (const day of [
        '31-12-2026',
        '2026-02-30',
        'gisteren',
        '2026-1-1',
        '-1',
        encodeURIComponent(HTML),
        ...Object.values(NEVER),
      ]) {
        await asks(wrong, `${address}?van=${day}`, 'van');
        await asks(wrong, `${address}?tot_en_met=${day}`, 'tot_en_met');
      }
      await asks(wrong, `${address}?van=2026-03-01&tot_en_met=2026-02-01`, 'tot_en_met');
      await asks(wrong, `${address}?van=1990-01-01&tot_en_met=2026-01-01`, 'tot_en_met');
    }
    wrong.none();
  });
  await check('a period that lies in the future is refused on each page, and a field is named', async () => {
    const wrong = new Gebreken();
    for (const address of PERIOD) {
      await wrong.of(address, async () => {
        const answer = await poort.ask(AUDITOR, `${address}?van=2130-01-01&tot_en_met=2130-03-31`);
        isRefused(answer, 400);
        hold(/data-veld="(van|tot_en_met)"/.test(answer.text), 'it names no field');
      });
    }
    wrong.none();
  });
  await check('each filter refuses what it can never be, and is named', async () => {
    const wrong = new Gebreken();
    for (const field of CHOICES) await asks(wrong, `/uitwisselingen?${field}=${encodeURIComponent(HTML)}`, field);
    for (const field of [...CHOICES, ...OPEN]) {
      for (const value of Object.values(NEVER)) await asks(wrong, `/uitwisselingen?${field}=${value}`, field);
    }
    for (const field of ['houdbaar_van', 'houdbaar_tot_en_met', 'pagina', 'toon', 'buiten_kantooruren']) {
      await asks(wrong, `/uitwisselingen?${field}=a&${field}=b`, field);
    }
    await asks(wrong, `/uitwisselingen?${'soort=aanvaard&'.repeat(101)}`, 'soort');
    await asks(wrong, '/wie-keek?pagina=onzin', 'pagina');
    await asks(wrong, '/inzage?ook_gesloten=onzin', 'ook_gesloten');
    await asks(wrong, '/inzage?ook_gesloten=ja&ook_gesloten=ja', 'ook_gesloten');
    wrong.none();
  });
  await check('an open filter shows what was typed as text', async () => {
    for (const field of OPEN) {
      const answer = await poort.ask(AUDITOR, `/uitwisselingen?${field}=${encodeURIComponent(HTML)}`);
      hold([200, 400].includes(answer.status), `${field}: status ${answer.status}`);
      hold(!answer.text.includes(HTML), `${field}: HTML that was typed`);
      isPage(answer);
    }
  });
  await check('a part of an address that is none is refused with a page', async () => {
    const wrong = new Gebreken();
    for (const folder of ['/uitwisselingen/', '/bewijs/', '/inzage/', '/factsheets/']) {
      for (const part of [
        'onzin',
        '-1',
        '1.5',
        '99999999999999999999999',
        '999999999',
        '%00',
        '%FF',
        encodeURIComponent(HTML),
        `${bericht}x`,
        LONG,
      ]) {
        await wrong.of(folder + part.slice(0, 60), async () =>
          isRefused(await poort.ask(AUDITOR, folder + part), 400, 404),
        );
      }
    }
    wrong.none();
  });
  await check('a refusal speaks of what stands on the page, and not of calls', async () => {
    const wrong = new Gebreken();
    const asked = [
      ['/uitwisselingen?soort=onzin', () => poort.ask(AUDITOR, '/uitwisselingen?soort=onzin')],
      ['/uitwisselingen?gesprek=onzin', () => poort.ask(AUDITOR, '/uitwisselingen?gesprek=onzin')],
      ['/inzage/999999', () => poort.ask(CONTACT, '/inzage/999999')],
      ['/bewijs/999999', () => poort.ask(AUDITOR, '/bewijs/999999')],
      [
        '/uitwisselingen/00000000-0000-7000-8000-000000000000',
        () => poort.ask(AUDITOR, '/uitwisselingen/00000000-0000-7000-8000-000000000000'),
      ],
      ['/betrokkene without a reason', () => poort.post(AUDITOR, '/betrokkene', PERSON)],
      ['/betrokkene without a person', () => poort.post(AUDITOR, '/betrokkene', { reden: REASON })],
      [
        '/betrokkene with a wrong birthday',
        () => poort.post(AUDITOR, '/betrokkene', { ...PERSON, geboortedatum: 'gisteren', reden: REASON }),
      ],
      [
        '/inzage without a kenmerk',
        () => poort.post(CONTACT, '/inzage', { ...PERSON, medewerker: 'x', ontvangen_op: YESTERDAY }),
      ],
      [
        '/inzage with a decision about nothing',
        () => poort.post(CONTACT, `/inzage/${dossier}`, { daad: 'besluit', medewerker: 'x' }),
      ],
    ];
    for (const [what, run] of asked) {
      await wrong.of(what, async () => {
        const { text } = await run();
        const said = plain(text.slice(text.indexOf('<main'), text.indexOf('</main>')));
        const named = [...said.matchAll(/<strong data-veld="(.*?)">/g)]
          .map(([, naam]) => naam)
          .filter(naam => /[.[]/.test(naam));
        equal([...named, ...(said.match(/\b[A-Z][a-z]+[A-Z]\w+/g) ?? [])], [], 'names of calls');
      });
    }
    wrong.none();
  });
  await pageTokens(bench);
  await posts(bench, await decided(bench));
  await otherSites(bench);
  await check('what is no GET or POST is refused', async () => {
    const wrong = new Gebreken();
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      for (const headers of [{}, { 'sec-fetch-site': 'same-origin' }]) {
        await wrong.of(`${method} ${JSON.stringify(headers)}`, async () => {
          isRefused(await poort.ask(AUDITOR, `/inzage/${dossier}`, { method, headers }), 403, 404, 405);
        });
      }
    }
    wrong.none();
  });
  await tooMuch(bench);
  await check('a period in which there was nothing is a report in sentences', async () => {
    for (const address of ['/rapport', '/', '/convenanten', '/datalekken', '/uitwisselingen', '/wie-keek']) {
      const answer = await poort.ask(AUDITOR, `${address}?van=2020-01-01&tot_en_met=2020-03-31`);
      equal(answer.status, 200, address);
      isPage(answer);
      hold(answer.text.includes('1 januari 2020 tot en met 31 maart 2020'), `${address} does not say which period`);
    }
    const { text } = await poort.ask(AUDITOR, '/rapport?van=2020-01-01&tot_en_met=2020-03-31');
    hold(text.includes('is niets geschreven'), 'the report does not say that nothing was written');
    const sections = text.split('<section').slice(1);
    for (const section of sections)
      hold(/<p[^>]*>[^<]{10,}\.|<form/.test(section), `a section without a sentence: ${section.slice(0, 200)}`);
  });
}

/** In a browser, since the gateway answers before it has read all, and a client may see no more than a connection that ends. */
async function tooMuch({ browser }) {
  const sent = async (page, address, field) => {
    await page.goto(address);
    const buffer = Buffer.alloc(MIB + MIB / 2, 'a');
    if (field === '#bestand') await page.setInputFiles(field, { name: 'groot.txt', mimeType: 'text/plain', buffer });
    // What the browser would not let somebody type.
    else
      await page.locator(field).evaluate((at, much) => {
        at.value = much;
      }, buffer.toString());
    const form = page.locator('form', { has: page.locator(field) });
    await form.evaluate(at => {
      at.noValidate = true;
    });
    const [answer] = await Promise.all([
      page.waitForResponse(of => of.request().method() === 'POST', { timeout: 10_000 }),
      form.locator('button').click({ noWaitAfter: true }),
    ]);
    isRefused(
      { status: answer.status(), headers: answer.headers(), text: await answer.text().catch(() => '') },
      400,
      413,
    );
  };
  await check('more than 1 MiB is refused with a page', async () => {
    const wrong = new Gebreken();
    for (const [naam, address, field] of [
      [AUDITOR, '/controleren', '#bestand'],
      [AUDITOR, '/controleren', '#tekst'],
      [AUDITOR, '/betrokkene', '#reden'],
      [AUDITOR, '/uitwisselingen', '#reden'],
      [AUDITOR, '/rapport', '#conclusie'],
      [CONTACT, '/inzage', '#kenmerk'],
    ]) {
      await wrong.of(`${address} ${field}`, () => browser.in(naam, {}, page => sent(page, address, field)));
    }
    wrong.none();
  });
}

/** A page of results opens for who asked, and for that question. */
async function pageTokens({ poort }) {
  await check('a next page opens for its own question and asker alone', async () => {
    const { text } = await poort.ask(AUDITOR, '/uitwisselingen');
    const next = plain(text.match(/href="(\/uitwisselingen\?[^"]*pagina=[^"]*)"/)?.[1] ?? '');
    hold(next, 'there is no next page');
    equal((await poort.ask(AUDITOR, next)).status, 200, 'its own');
    const wrong = new Gebreken();
    const token = next.match(/pagina=([^&]*)/)[1];
    for (const [what, naam, address] of [
      ['of somebody else', FG, next],
      ['of another filter', AUDITOR, `${next}&soort=geweigerd`],
      ['of another period', AUDITOR, `/uitwisselingen?van=2026-01-01&pagina=${token}`],
      ['on another page', AUDITOR, `/wie-keek?pagina=${token}`],
      [
        'with one character changed',
        AUDITOR,
        `/uitwisselingen?pagina=${token.slice(0, -6)}${token.at(-6) === 'A' ? 'B' : 'A'}${token.slice(-5)}`,
      ],
    ]) {
      await wrong.of(what, async () => {
        const answer = await poort.ask(naam, address);
        isRefused(answer, 400);
        hold(
          /bladzijde/i.test(answer.text.slice(answer.text.indexOf('<main'))),
          'it does not say that it is about the page',
        );
      });
    }
    wrong.none();
  });
}

/** A decision about all rows of the dossier, that can be made. */
async function decided({ poort, dossier }) {
  const { text } = await poort.ask(CONTACT, `/inzage/${dossier}`);
  const rows = [...text.matchAll(/<select[^>]*name="(rij-\d+)"/g)].map(([, row]) => [row, 'vrijgeven']);
  hold(rows.length > 0, 'the dossier has nothing to decide');
  return { daad: 'besluit', medewerker: 'bb-regie-03', ...Object.fromEntries(rows) };
}

/** Fields of forms. */
async function posts({ poort, dossier }, decision) {
  const asked = { ...PERSON, kenmerk: 'proef-2', ontvangen_op: YESTERDAY, medewerker: 'bb-regie-03' };
  const forms = [
    [AUDITOR, '/betrokkene', { ...PERSON, reden: REASON }, { geboortedatum: 'gisteren', bsn: '123', pagina: 'onzin' }],
    [
      AUDITOR,
      '/uitwisselingen',
      { medewerker: EMPLOYEE, reden: REASON },
      { van: 'x', tot_en_met: 'x', pagina: 'onzin' },
    ],
    [AUDITOR, '/rapport', { conclusie: 'In orde.' }, { van: 'x', tot_en_met: 'x' }],
    [CONTACT, '/inzage', asked, { geboortedatum: 'gisteren', bsn: '123', ontvangen_op: '2130-01-01' }],
    [
      CONTACT,
      `/inzage/${dossier}`,
      decision,
      { daad: 'onzin', 'rij-x': 'vrijgeven', [Object.keys(decision).at(-1)]: 'onzin' },
    ],
  ];
  await check('a form refuses what its fields cannot be, names them, and does nothing', async () => {
    const wrong = new Gebreken();
    for (const [naam, address, good, bad] of forms) {
      const each = async (what, fields, field) => {
        const { answer, written } = await poort.writing(() => poort.post(naam, address, fields));
        await wrong.of(`${address} ${what.slice(0, 60)}`, () => {
          if (field) isNamed(answer, field);
          else isRefused(answer, 400);
          // A dossier whose form is refused is shown again, which is a look.
          const spared = address.startsWith('/inzage/') ? ['geweigerd', 'ingezien'] : ['geweigerd'];
          const done = written.map(({ soort }) => soort).filter(soort => !spared.includes(soort));
          equal(done, [], 'what was done');
        });
      };
      const encoded = new URLSearchParams(good).toString();
      for (const [field, value] of Object.entries(bad))
        await each(`${field}=${value}`, { ...good, [field]: value }, field.startsWith('rij-x') ? undefined : field);
      await each('an unknown field', { ...good, onzin: '1' }, 'onzin');
      await each('HTML', { ...good, [HTML]: HTML }, undefined);
      for (const field of Object.keys(good)) {
        await each(`${field} twice`, `${encoded}&${field}=2`, field);
        const rest = new URLSearchParams(Object.entries(good).filter(([of]) => of !== field)).toString();
        for (const [what, value] of Object.entries(NEVER)) {
          if (field === 'conclusie' && value === LONG) continue;
          await each(`${field} ${what}`, `${rest}&${field}=${value}`, field);
        }
      }
    }
    wrong.none();
  });
  await check('who searches for somebody says why', async () => {
    const wrong = new Gebreken();
    for (const [address, fields] of [
      ['/betrokkene', PERSON],
      ['/uitwisselingen', { medewerker: EMPLOYEE }],
    ]) {
      for (const reden of [undefined, '', '   ']) {
        const { answer, written } = await poort.writing(() =>
          poort.post(AUDITOR, address, { ...fields, ...(reden === undefined ? {} : { reden }) }),
        );
        await wrong.of(`${address} ${JSON.stringify(reden)}`, () => {
          isNamed(answer, 'reden');
          equal(
            written.filter(({ soort }) => soort === 'ingezien'),
            [],
            'looks',
          );
        });
      }
    }
    wrong.none();
  });
  await check('a search for nobody, a conclusion that is too long and an empty hand are refused', async () => {
    isRefused(await poort.post(AUDITOR, '/betrokkene', { reden: REASON }), 400);
    isNamed(await poort.post(AUDITOR, '/rapport', { conclusie: 'x'.repeat(10_001) }), 'conclusie');
    isNamed(await poort.handIn(AUDITOR, '  '), 'bewaard');
  });
  await check('a form of another kind is refused with a page', async () => {
    const wrong = new Gebreken();
    const json = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
    for (const address of ['/controleren', '/betrokkene', '/uitwisselingen', '/rapport']) {
      await wrong.of(address, async () =>
        isRefused(await poort.post(AUDITOR, address, '{"reden":"x"}', json), 400, 415),
      );
    }
    wrong.none();
  });
}

/** A browser sends a certificate with whatever a page makes it ask, of any site. */
async function otherSites({ poort, browser, dossier }) {
  const asked = { ...PERSON, kenmerk: 'proef-3', ontvangen_op: YESTERDAY, medewerker: 'bb-regie-03' };
  const forms = [
    [AUDITOR, '/betrokkene', { ...PERSON, reden: REASON }],
    [AUDITOR, '/uitwisselingen', { medewerker: EMPLOYEE, reden: REASON }],
    [AUDITOR, '/rapport', { conclusie: 'x' }],
    [CONTACT, '/inzage', asked],
    [CONTACT, `/inzage/${dossier}`, { daad: 'sluit', medewerker: 'bb-regie-03' }],
  ];
  const origins = [
    {},
    { origin: 'https://elders.example' },
    { origin: 'null' },
    { origin: poort.address.replace('https', 'http') },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: poort.address },
    // Origin alone is not what every browser says of itself.
    { origin: poort.address },
    { 'sec-fetch-site': ['same-origin', 'cross-site'] },
  ];
  const nothing = (answer, written) => {
    isRefused(answer, 403);
    equal(
      written.map(({ soort }) => soort).filter(soort => soort !== 'geweigerd'),
      [],
      'what was done',
    );
  };
  await check('a post that no page of the gateway made is refused, and nothing is done', async () => {
    const wrong = new Gebreken();
    for (const [naam, address, fields] of forms) {
      for (const headers of origins) {
        const { answer, written } = await poort.writing(() => poort.post(naam, address, fields, headers));
        await wrong.of(`${address} ${JSON.stringify(headers)}`, () => nothing(answer, written));
      }
    }
    const { answer, written } = await poort.writing(() => poort.handIn(AUDITOR, 'x', {}));
    await wrong.of('/controleren', () => nothing(answer, written));
    wrong.none();
  });
  await check('in a browser, a form on a page of another site is refused, and nothing is done', () =>
    browser.in(CONTACT, {}, async page => {
      const { answer, written } = await poort.writing(async () => {
        const inputs = Object.entries(asked).map(
          ([naam, value]) => `<input type="hidden" name="${naam}" value="${value}">`,
        );
        await page.setContent(
          `<form method="post" action="${poort.address}/inzage">${inputs.join('')}<button>Win een prijs</button></form>`,
        );
        const [shown] = await Promise.all([
          page.waitForResponse(of => of.url().endsWith('/inzage')),
          page.click('button'),
        ]);
        return { status: shown.status(), headers: shown.headers(), text: await page.content() };
      });
      nothing(answer, written);
    }),
  );
}
