// Without scripts, and as people use a browser: two tabs, back, and loading anew.

import { AUDITOR, CONTACT, EMPLOYEE, FG, PERSON, REASON, YESTERDAY } from './paginas.mjs';
import { Gebreken, check, equal, hold } from './toets.mjs';

const found = page => page.locator('[role=status]').filter({ hasText: 'logregel' }).innerText();

async function submit(page, name) {
  const button = page.getByRole('button', { name, exact: true });
  await Promise.all([page.waitForEvent('domcontentloaded'), button.click()]);
}

export async function formulieren(bench) {
  await withoutScripts(bench);
  await check('two tabs keep the question of each', () =>
    bench.browser.in(AUDITOR, {}, async (one, context) => {
      const other = await context.newPage();
      await one.goto('/uitwisselingen?soort=geweigerd');
      await other.goto('/uitwisselingen?soort=aanvaard');
      await one.reload();
      await other.reload();
      const chosen = [await one.inputValue('#soort'), await other.inputValue('#soort')];
      equal(chosen, ['geweigerd', 'aanvaard'], 'what each asks');
      const said = await Promise.all([one, other].map(page => page.locator('tbody').innerText()));
      hold(/geweigerd|weigerde|tegen/.test(said[0]) && !/aanvaardde/.test(said[0]), 'the first shows something else');
      hold(/aanvaardde/.test(said[1]) && !/weigerde/.test(said[1]), 'the second shows something else');
    }),
  );
  await check('back after a search that was posted is the page before it, and posts nothing', () =>
    bench.browser.in(AUDITOR, {}, async page => {
      await page.goto('/uitwisselingen?soort=aanvaard');
      await page.fill('#medewerker', EMPLOYEE);
      await page.fill('#reden', REASON);
      await submit(page, 'Zoek naar deze medewerker');
      hold(/gevonden/.test(await found(page)), 'nothing was found');
      const posted = [];
      page.on('request', request => request.method() === 'POST' && posted.push(request.url()));
      await page.goBack();
      equal(
        [new URL(page.url()).search, await page.inputValue('#soort')],
        ['?soort=aanvaard', 'aanvaard'],
        'the page before',
      );
      equal(posted, [], 'what was posted');
    }),
  );
  await check('back from what a posted search led to does not search again unasked', () =>
    bench.browser.in(AUDITOR, {}, async page => {
      await page.goto('/betrokkene');
      for (const [naam, value] of Object.entries({ ...PERSON, reden: REASON })) await page.fill(`#${naam}`, value);
      await submit(page, 'Zoek');
      await page.locator('tbody a', { hasText: 'Verloop' }).first().click();
      equal(await page.locator('h1').innerText(), 'Verloop van een bericht', 'where it leads');
      // Chromium asks before it posts again, which is no page.
      const { written } = await bench.poort.writing(() => page.goBack().catch(() => {}));
      equal(
        written.filter(({ soort }) => soort === 'ingezien'),
        [],
        'looks',
      );
    }),
  );
  await opened(bench);
  await followed(bench);
}

async function withoutScripts({ browser, shown, poort }) {
  await check('without scripts each page is there', () =>
    browser.in(AUDITOR, { javaScriptEnabled: false }, async (page, context) => {
      const wrong = new Gebreken();
      for (const { address, h1 } of shown) {
        await wrong.of(address, async () => {
          equal((await page.goto(address)).status(), 200, 'status');
          equal(await page.locator('h1').innerText(), h1, 'heading');
        });
      }
      equal(context.complaints, [], 'complaints');
      wrong.none();
    }),
  );
  await check('without scripts the forms and links work', () =>
    browser.in(FG, { javaScriptEnabled: false }, async page => {
      await page.goto('/uitwisselingen');
      await page.locator('summary').click();
      await page.selectOption('#soort', 'geweigerd');
      await submit(page, 'Zoek');
      hold(new URL(page.url()).searchParams.get('soort') === 'geweigerd', `the filter is not in ${page.url()}`);
      equal(await page.inputValue('#soort'), 'geweigerd', 'what is chosen');
      await page.getByRole('link', { name: 'Toon wie met wie uitwisselde' }).click();
      hold((await page.locator('main').innerText()).includes('uitgewisseld'), 'nothing about who to whom');
      await page.goto('/uitwisselingen');
      await page.fill('#medewerker', EMPLOYEE);
      await page.fill('#reden', REASON);
      await submit(page, 'Zoek naar deze medewerker');
      hold(/^[1-9][\d.]* logregels? gevonden/.test(await found(page)), `an employee: ${await found(page)}`);
      await page.goto('/betrokkene');
      for (const [naam, value] of Object.entries({ ...PERSON, reden: REASON })) await page.fill(`#${naam}`, value);
      await submit(page, 'Zoek');
      hold(/^[1-9][\d.]* logregels? over deze persoon/m.test(await found(page)), `a person: ${await found(page)}`);
      await page.goto('/rapport');
      await page.fill('#conclusie', 'Geen bijzonderheden <b>deze</b> periode.');
      await submit(page, 'Zet op de pagina');
      equal(await page.locator('.conclusie').innerText(), 'Geen bijzonderheden <b>deze</b> periode.', 'the conclusion');
      await page.goto('/controleren');
      await page.fill('#tekst', (await poort.ask(FG, '/checkpoint')).text);
      await submit(page, 'Controleer');
      equal(
        await page.locator('.utrecht-alert h2').allInnerTexts(),
        ['Dit checkpoint hoort bij dit logboek'],
        'what is checked',
      );
      await page.goto('/');
      await page.getByRole('link', { name: 'Vorig kwartaal' }).click();
      hold(new URL(page.url()).searchParams.has('van'), 'the quarter before is no address');
    }),
  );
}

/** What a contactpunt does, it does once. */
async function opened({ browser, poort }) {
  await check('loading anew, and going back, after opening a dossier opens no second one', () =>
    browser.in(CONTACT, { javaScriptEnabled: false }, async page => {
      const count = async () => (await poort.ask(CONTACT, '/inzage')).text.match(/href="\/inzage\/\d+"/g)?.length ?? 0;
      const before = await count();
      await page.goto('/inzage');
      const person = { naam: 'Tessa Bedachtzaam', geboortedatum: '1990-02-03' };
      const asked = { ...person, kenmerk: 'proef-9', ontvangen_op: YESTERDAY, medewerker: 'bb-regie-03' };
      for (const [naam, value] of Object.entries(asked)) await page.fill(`#${naam}`, value);
      await submit(page, 'Open het verzoek');
      hold(/\/inzage\/\d+$/.test(page.url()), `it stays at ${page.url()}: ${await page.locator('main').innerText()}`);
      await page.reload();
      hold(
        (await page.locator('main').innerText()).includes('Tessa Bedachtzaam'),
        'the dossier does not say of whom it is',
      );
      await page.goBack();
      await page.goForward();
      await page.reload();
      equal(await count(), before + 1, 'dossiers');
    }),
  );
  await check('a contactpunt decides about its rows, and that is shown', () =>
    browser.in(CONTACT, { javaScriptEnabled: false }, async page => {
      await page.goto('/inzage');
      await page.locator('tr', { hasText: PERSON.naam }).first().getByRole('link').click();
      const choices = page.locator('select[name^=rij-]');
      const rows = await choices.count();
      hold(rows > 0, 'there is nothing to decide');
      for (let at = 0; at < rows; at += 1) await choices.nth(at).selectOption('vrijgeven');
      await page.fill('#medewerker-besluit', 'bb-regie-03');
      await submit(page, 'Leg dit besluit vast');
      const said = await page.locator('main').innerText();
      hold(
        said.includes('zvh-baronie-breda geeft het vrij.') && /zvh-baronie-breda besloot op/.test(said),
        `it says: ${said.slice(0, 900)}`,
      );
    }),
  );
}

/** What is written while somebody looks; the one thing that takes a script. */
async function followed({ browser, poort }) {
  await check('who follows sees what is written as sentences, and following is one look', () =>
    browser.in(AUDITOR, {}, async (page, context) => {
      await page.goto('/uitwisselingen');
      hold(await page.locator('#volg').isVisible(), 'nothing offers to follow');
      const { written } = await poort.writing(async () => {
        await page.locator('#volg').click();
        await page.waitForTimeout(1000);
      });
      equal(written.filter(({ soort }) => soort === 'ingezien').length, 1, 'looks');
      // Who looks is not followed: whoever follows would follow those who follow.
      await poort.ask(FG, '/?van=gisteren');
      await page
        .locator('#nieuw li', { hasText: /weigerde wat de FG van zsm vroeg/i })
        .first()
        .waitFor();
      equal(context.complaints, [], 'complaints');
    }),
  );
  await check('without scripts nothing offers to follow', () =>
    browser.in(AUDITOR, { javaScriptEnabled: false }, async page => {
      await page.goto('/uitwisselingen');
      equal(await page.locator('#volg:visible').count(), 0, 'buttons that do nothing');
    }),
  );
}
