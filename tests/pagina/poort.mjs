// The gateway of the demo: started and stopped here, asked without a browser, and its logboek read beside it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import readline from 'node:readline';

import { hold, within } from './toets.mjs';

const START_SECONDS = 120;
const STOP_SECONDS = 30;
const CALL_SECONDS = 30;

/** Regels after an index, as JSON, from the database of a gateway that runs. */
const READER = `
import json, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=10)
for line in sys.stdin:
    rows = db.execute("select log_index, regel from logregels where log_index > ? order by log_index", (int(line),))
    print(json.dumps([dict(json.loads(bytes(regel)), nummer=index) for index, regel in rows]), flush=True)
`;

/** Which requests say that they come from a page of the gateway. */
export const OWN_SITE = { 'sec-fetch-site': 'same-origin' };

export class Poort {
  constructor(binary, data) {
    Object.assign(this, { binary, data, agents: new Map(), processes: [] });
  }

  /** Starts the demo and waits until it stays open. */
  async demo() {
    const demo = this.start(['demo', '--data-dir', this.data, '--keep-running', '--json']);
    const open = (async () => {
      for await (const line of readline.createInterface({ input: demo.stdout })) {
        const step = line.startsWith('{') ? JSON.parse(line) : {};
        if (step.stap === 'open') return step;
      }
      throw new Error(`the demo ended: ${fs.readFileSync(path.join(this.data, '..', 'stderr'), 'utf8').slice(-2000)}`);
    })();
    const { toezicht } = await within(START_SECONDS, 'the demo opens', open);
    demo.stdout.resume();
    this.address = toezicht;
    return demo;
  }

  /** Starts the same gateway again, with the same data. */
  serve() {
    const served = this.start(['serve', '--config', path.join(this.data, 'ketenpoort.toml'), '--dev']);
    served.stdout.resume();
    return served;
  }

  start(args) {
    const stderr = fs.openSync(path.join(this.data, '..', 'stderr'), 'a');
    const started = spawn(this.binary, args, { stdio: ['ignore', 'pipe', stderr] });
    fs.closeSync(stderr);
    started.on('error', error => console.error(`${this.binary}: ${error.message}`));
    this.processes.push(started);
    return started;
  }

  async stop(started) {
    this.forget();
    if (started.exitCode !== null || started.signalCode !== null || !started.pid) return;
    const ended = once(started, 'exit');
    started.kill('SIGTERM');
    try {
      await within(STOP_SECONDS, 'the gateway stops', ended);
    } catch (error) {
      started.kill('SIGKILL');
      throw error;
    }
  }

  /** Ends whatever was started here. */
  async stopAll() {
    for (const started of this.processes) await this.stop(started).catch(error => console.error(error.message));
  }

  profile(naam) {
    const folder = path.isAbsolute(naam) ? naam : path.join(this.data, 'profielen', naam);
    return { certPath: path.join(folder, 'cert.pem'), keyPath: path.join(folder, 'key.pem') };
  }

  agent(naam) {
    if (!this.agents.has(naam)) {
      const { certPath, keyPath } = naam ? this.profile(naam) : {};
      this.agents.set(
        naam,
        new https.Agent({
          ca: fs.readFileSync(path.join(this.data, 'ca.pem')),
          cert: certPath && fs.readFileSync(certPath),
          key: keyPath && fs.readFileSync(keyPath),
          keepAlive: true,
          maxSockets: 2,
        }),
      );
    }
    return this.agents.get(naam);
  }

  forget() {
    for (const agent of this.agents.values()) agent.destroy();
    this.agents.clear();
    this.reader?.kill();
    this.reader = undefined;
  }

  /** Asks without a browser: status, headers, and the body as text. */
  async ask(naam, address, { method = 'GET', headers = {}, body } = {}) {
    const asked = new Promise((resolve, reject) => {
      const request = https.request(this.address + address, { agent: this.agent(naam), method, headers }, answer => {
        const parts = [];
        answer.on('data', part => parts.push(part)).on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString();
          resolve({ status: answer.statusCode, headers: answer.headers, text });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
    return within(CALL_SECONDS, `${method} ${address.slice(0, 200)}`, asked);
  }

  /** Posts a form as a page of the gateway does. */
  post(naam, address, fields, headers = OWN_SITE) {
    const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
    return this.ask(naam, address, { method: 'POST', headers: { ...type, ...headers }, body });
  }

  /** Hands in what was kept, as the form on Controleren does. */
  handIn(naam, kept, headers = OWN_SITE) {
    const part = `--grens\r\ncontent-disposition: form-data; name="tekst"\r\n\r\n${kept}\r\n--grens--\r\n`;
    const type = { 'content-type': 'multipart/form-data; boundary=grens', 'content-length': Buffer.byteLength(part) };
    return this.ask(naam, '/controleren', { method: 'POST', headers: { ...type, ...headers }, body: part });
  }

  /** The logregels after this one. */
  async regels(after = -1) {
    if (!this.reader) {
      this.reader = spawn('python3', ['-c', READER, path.join(this.data, 'ketenpoort.db')], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      this.reader.lines = readline.createInterface({ input: this.reader.stdout })[Symbol.asyncIterator]();
    }
    this.reader.stdin.write(`${after}\n`);
    const { value, done } = await within(CALL_SECONDS, 'reading the logboek', this.reader.lines.next());
    hold(!done, 'the logboek could not be read');
    return JSON.parse(value);
  }

  /** What a look or an act wrote: the answer, and the logregels that came with it. */
  async writing(run) {
    const before = (await this.regels()).at(-1).nummer;
    const answer = await run();
    return { answer, written: await this.regels(before) };
  }
}
