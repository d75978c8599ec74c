// Who comes in and sees what, how each answer leaves, and that no browser asks anything of another site.

import path from 'node:path';

import {
  AUDITOR,
  CONTACT,
  FG,
  FIRST_CONTACT,
  FOOTER,
  LOGGED,
  OTHER_CONTACT,
  OTHER_FG,
  PARTNER,
  h1,
  isPage,
  isRefused,
  plain,
} from './paginas.mjs';
import { Gebreken, check, equal, hold } from './toets.mjs';

/** What each answer says to a browser about what it may do with it. */
function isHardened(headers) {
  const csp = headers['content-security-policy'] ?? '';
  hold(csp.includes("default-src 'none'"), `the CSP does not begin with nothing: ${csp}`);
  hold(csp.includes("frame-ancestors 'none'"), `the CSP lets others frame it: ${csp}`);
  hold(
    csp.includes("form-action 'self'") && csp.includes("base-uri 'none'"),
    `the CSP lets forms go elsewhere: ${csp}`,
  );
  hold(!/unsafe-(inline|eval)|\*|https?:/.test(csp), `the CSP is too wide: ${csp}`);
  equal(headers['cache-control'], 'no-store', 'cache-control');
  equal(headers['x-content-type-options'], 'nosniff', 'x-content-type-options');
  hold(
    ['no-referrer', 'same-origin'].includes(headers['referrer-policy']),
    `referrer-policy: ${headers['referrer-policy']}`,
  );
  hold(!('set-cookie' in headers), 'it sets a cookie');
}

export async function toegang(bench) {
  const { poort, browser, shown, watchers, contacts, dossier } = bench;
  const addresses = [...shown.map(({ address }) => address), ...bench.downloads.map(([address]) => address)];
  for (const naam of watchers) {
    await check(`${naam} opens each page, with its heading and the sentence about content, and nothing complains`, () =>
      browser.in(naam, {}, async (page, context) => {
        const wrong = new Gebreken();
        for (const { address, h1: heading, looks } of shown) {
          // A dossier is seen by the FGs of its partners.
          const isOutside = address.startsWith(`/inzage/${dossier}`) && naam === FG && !(await sees(bench, naam));
          await wrong.of(address, async () => {
            const answer = await page.goto(address);
            equal(answer.status(), isOutside ? 404 : 200, 'status');
            if (isOutside) return;
            equal(await page.locator('h1').allTextContents(), [heading], 'headings');
            equal((await page.locator('footer').innerText()).trim(), looks > 0 ? LOGGED : FOOTER, 'the footer');
            equal(await page.title(), `${heading} - Ketenpoort toezicht`, 'title');
          });
        }
        equal(
          context.complaints.filter(of => !of.includes('404')),
          [],
          'what the browser complains about',
        );
        equal(context.strangers, [], 'requests of another origin');
        wrong.none();
      }),
    );
  }
  for (const naam of contacts) {
    await check(`${naam} opens its own page, and each other one is refused with a sentence`, async () => {
      const wrong = new Gebreken();
      const own = await poort.ask(naam, '/inzage');
      equal([own.status, h1(own.text)], [200, 'Verzoeken om inzage'], 'its own page');
      equal((await poort.ask(naam, '/')).status, 303, 'where it begins');
      for (const address of addresses.filter(of => of !== '/' && !of.startsWith('/inzage'))) {
        await wrong.of(address, async () => isRefused(await poort.ask(naam, address), 403));
      }
      wrong.none();
    });
  }
  await check('a contactpunt is led nowhere that it may not come', async () => {
    const wrong = new Gebreken();
    for (const [naam, address] of [
      [CONTACT, '/inzage'],
      [CONTACT, `/inzage/${dossier}`],
      [CONTACT, '/'],
      [OTHER_CONTACT, '/inzage/1'],
    ]) {
      const { text } = await poort.ask(naam, address);
      for (const [, to] of text.matchAll(/<a [^>]*href="(\/[^"]*)"/g)) {
        await wrong.of(`${address} leads to ${to}`, async () =>
          equal((await poort.ask(naam, plain(to))).status, 200, 'status'),
        );
      }
    }
    wrong.none();
  });
  await check('a partner and beheer are refused on this port, whatever they ask', async () => {
    const wrong = new Gebreken();
    for (const naam of [PARTNER, 'beheer']) {
      for (const address of [...addresses, '/onbekend', '/stijl/thema.css']) {
        await wrong.of(`${naam} ${address}`, async () => isRefused(await poort.ask(naam, address), 403));
      }
    }
    wrong.none();
  });
  await refusedHandshakes(bench);
  await check('each FG sees what its partner took part in, and who is granted more sees more', async () => {
    const found = async (naam, ontvanger) => {
      const { text } = await poort.ask(naam, `/uitwisselingen?afzender=zsm&ontvanger=${ontvanger}`);
      return Number(text.match(/([\d.]+) logregels? gevonden/)[1].replaceAll('.', ''));
    };
    const all = await found(AUDITOR, 'zvh-baronie-breda');
    hold(all > 0, 'there is nothing to see');
    equal(await found(FG, 'zvh-baronie-breda'), all, 'what the FG of zsm sees');
    equal(await found(OTHER_FG, 'zvh-baronie-breda'), 0, 'what the FG of another zvh sees');
    equal(
      await found(FIRST_CONTACT, 'zvh-zeeland'),
      await found(AUDITOR, 'zvh-zeeland'),
      'what the first contact sees of another zvh',
    );
    const { bericht } = (await poort.regels()).find(of => of.soort === 'aanvaard' && of.berichtsoort === 'scenario');
    isRefused(await poort.ask('fg-vt', `/uitwisselingen/${bericht}`), 404);
  });
  await check('each answer says that it is kept nowhere, framed nowhere, and runs nothing of others', async () => {
    const wrong = new Gebreken();
    const asked = [
      ...addresses.map(of => [AUDITOR, of]),
      [AUDITOR, '/onbekend'],
      [AUDITOR, '/?onzin=1'],
      [PARTNER, '/'],
      [CONTACT, `/inzage/${dossier}`],
    ];
    for (const [naam, address] of asked) {
      await wrong.of(`${naam} ${address}`, async () => isHardened((await poort.ask(naam, address)).headers));
    }
    await wrong.of('a post of another site', async () =>
      isHardened((await poort.post(AUDITOR, '/betrokkene', {}, {})).headers),
    );
    wrong.none();
  });
  await check('an unknown address is a page that says so', async () => {
    for (const address of ['/onbekend', '/uitwisselingen/', '/rapport.pdf', '/INZAGE', '/../etc/passwd', '//']) {
      const answer = await poort.ask(AUDITOR, address);
      equal(answer.status, 404, address);
      isPage(answer);
    }
  });
}

/** Whether a watcher sees the dossier in its list. */
async function sees({ poort, dossier }, naam) {
  return (await poort.ask(naam, '/inzage')).text.includes(`href="/inzage/${dossier}"`);
}

async function refusedHandshakes({ poort, browser }) {
  const stranger = path.join(poort.data, 'vreemd');
  for (const [who, naam, alert] of [
    ['a certificate of an unknown CA', stranger, /unknown ca/i],
    ['no certificate', undefined, /certificate required/i],
  ]) {
    await check(`${who} gets no further than the handshake`, async () => {
      const answer = await poort.ask(naam, '/').then(
        ({ status }) => `an answer, ${status}`,
        error => error.message,
      );
      hold(alert.test(answer), `${answer}, and not the alert of TLS that says why`);
      await browser.in(naam, {}, async page => {
        // Playwright shows the certificate on behalf of Chromium, and answers by itself where the gateway refuses it.
        const shown = await page.goto('/').then(
          async of => `a page, ${of.status()}: ${await of.text()}`,
          error => error.message,
        );
        hold(/net::ERR_/.test(shown) || alert.test(shown), `the browser shows ${shown}`);
      });
    });
  }
}
