import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {accessSync, constants, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import type {Readable, Writable} from 'node:stream';

/** What the browser answers to a command: https://chromedevtools.github.io/devtools-protocol/ */
type Result = {readonly [name: string]: unknown};
type Listener = (method: string, parameters: Result, session: string | undefined) => void;

const flags = [
	'--headless',
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	// It is the hub that must refuse, not a browser of this year.
	'--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights,HttpsUpgrades',
	// Every name leads here, as a name that was rebound does; no request leaves this machine.
	'--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
	'--remote-debugging-pipe',
];

/** A headless Chromium of this machine, driven by DevTools' own protocol. */
export class Chromium {
	readonly #child: ChildProcess;
	readonly #profile: string;
	readonly #waiting = new Map<number, {resolve(result: Result): void; reject(error: Error): void}>();
	readonly #listeners = new Set<Listener>();
	#next = 1;

	private constructor(child: ChildProcess, profile: string) {
		this.#child = child;
		this.#profile = profile;
		let rest = '';
		const [, , , , answers] = child.stdio as unknown as [null, null, null, Writable, Readable];
		answers.setEncoding('utf8').on('data', (chunk: string) => {
			const texts = (rest + chunk).split('\0');
			rest = texts.pop() ?? '';
			for (const text of texts) this.#take(JSON.parse(text) as Result);
		});
		child.once('exit', () => {
			for (const waiting of this.#waiting.values()) waiting.reject(new Error('Chromium has ended.'));
		});
	}

	/** Null where there is none on this machine. */
	static async start(): Promise<Chromium | null> {
		const program = installed(['chromium', 'chromium-browser', 'google-chrome']);
		if (program === null) return null;
		const profile = mkdtempSync(join(tmpdir(), 'agentmux-chromium-'));
		const child = spawn(program, [...flags, `--user-data-dir=${profile}`], {
			stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
		});
		await once(child, 'spawn');
		return new Chromium(child, profile);
	}

	/** Throws what the browser refused. */
	send(method: string, parameters: object = {}, session?: string): Promise<Result> {
		const id = this.#next++;
		const [, , , commands] = this.#child.stdio as unknown as [null, null, null, Writable];
		commands.write(`${JSON.stringify({id, method, params: parameters, sessionId: session})}\0`);
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, {resolve, reject});
		});
	}

	/** Opens a page at that address, answered with `html` by nobody but us, and runs a script in it; resolves with its value. */
	async run(address: string, headers: Readonly<Record<string, string>>, script: string): Promise<unknown> {
		const {targetId} = await this.send('Target.createTarget', {url: 'about:blank'});
		const {sessionId} = await this.send('Target.attachToTarget', {targetId, flatten: true});
		const session = String(sessionId);
		const loaded = this.#once('Page.loadEventFired', session);
		const answering: Listener = (method, {requestId}, from) => {
			if (method !== 'Fetch.requestPaused' || from !== session) return;
			const responseHeaders = Object.entries({'content-type': 'text/html', ...headers}).map(([name, value]) => ({
				name,
				value,
			}));
			const body = Buffer.from('<!doctype html><title>attack</title><body></body>').toString('base64');
			void this.send('Fetch.fulfillRequest', {requestId, responseCode: 200, responseHeaders, body}, session);
		};
		this.#listeners.add(answering);
		try {
			await this.send('Page.enable', {}, session);
			await this.send('Fetch.enable', {patterns: [{urlPattern: '*/attacking-page'}]}, session);
			await this.send('Page.navigate', {url: address}, session);
			await loaded;
			const {result, exceptionDetails} = await this.send(
				'Runtime.evaluate',
				{expression: script, awaitPromise: true, returnByValue: true},
				session,
			);
			if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
			return (result as {value: unknown}).value;
		} finally {
			this.#listeners.delete(answering);
			await this.send('Target.closeTarget', {targetId});
		}
	}

	async stop(): Promise<void> {
		const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : null;
		await this.send('Browser.close').catch(() => undefined);
		await ended;
		rmSync(this.#profile, {recursive: true, force: true, maxRetries: 5});
	}

	#once(wanted: string, session: string): Promise<void> {
		return new Promise(resolve => {
			const listener: Listener = (method, _, from) => {
				if (method !== wanted || from !== session) return;
				this.#listeners.delete(listener);
				resolve();
			};
			this.#listeners.add(listener);
		});
	}

	#take({id, result, error, method, params, sessionId}: Result): void {
		if (typeof id !== 'number') {
			for (const listener of this.#listeners)
				listener(String(method), params as Result, sessionId as string | undefined);
			return;
		}
		const waiting = this.#waiting.get(id);
		this.#waiting.delete(id);
		if (error === undefined) waiting?.resolve(result as Result);
		else waiting?.reject(new Error(JSON.stringify(error)));
	}
}

function installed(names: readonly string[]): string | null {
	for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
		for (const name of names) {
			try {
				accessSync(join(folder, name), constants.X_OK);
				return join(folder, name);
			} catch {
				continue;
			}
		}
	}
	return null;
}
