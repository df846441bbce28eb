import {readFileSync} from 'node:fs';
import type {Attack} from '../attack.ts';
import type {Target} from '../target.ts';
import {Chromium} from './chromium.ts';

interface Page {
	readonly what: string;
	readonly address: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** By which name the page calls the hub. */
	readonly hub: string;
}

const script = readFileSync(new URL('page.js', import.meta.url), 'utf8');

/** The attacking pages. They are served by the test; their requests to the hub go over the network. */
function pages(port: number): readonly Page[] {
	const page = 'attacking-page';
	const hub = `http://127.0.0.1:${port}`;
	const sandbox = {'content-security-policy': 'sandbox allow-scripts allow-forms'};
	return [
		{what: 'a page of a foreign site', address: `http://evil.example/${page}`, hub},
		{
			what: 'a page of a foreign site, by the name localhost',
			address: `http://evil.example/${page}`,
			hub: `http://localhost:${port}`,
		},
		{
			what: 'a page whose name was rebound to the hub',
			address: `http://rebound.example:${port}/${page}`,
			hub: `http://rebound.example:${port}`,
		},
		{what: 'a page of another port of this machine', address: `http://127.0.0.1:3000/${page}`, hub},
		{what: 'a page of localhost at another port', address: `http://localhost:5173/${page}`, hub},
		{what: 'a sandboxed page (origin null)', address: `http://evil.example/${page}`, headers: sandbox, hub},
		{what: "a sandboxed page under the hub's own name", address: `${hub}/${page}`, headers: sandbox, hub},
		{what: 'a data: page (origin null)', address: 'data:text/html,<body></body>', hub},
	];
}

export const browser: Attack = {
	name: 'browser',
	what: 'web pages in a headless Chromium: rebinding, cross-site, null origin, sockets',
	async run({targets, tally}) {
		const chromium = await Chromium.start();
		if (chromium === null) return tally.skip('no Chromium');
		try {
			await targets.alone('PGlite', async target => {
				const {hub} = target;
				const port = Number(new URL(hub.url).port);
				const attack = async ({address, headers = {}, hub: name}: Page): Promise<Record<string, string | null>> => {
					const call = `${script}; attack(${JSON.stringify(name)}, ${JSON.stringify(hub.serviceRoleKey)})`;
					return (await chromium.run(address, headers, call)) as Record<string, string | null>;
				};
				await target.owner("insert into messages (content) values ('[HUMAN] a secret of the mailbox')");
				for (const page of pages(port)) {
					const before = await written(target);
					const results = await attack(page);
					// Its refusal may be read where the browser takes the page for the hub's own; nothing else may.
					const refusal = /^403 (.*)/s.exec(results['read /health'] ?? '')?.[1];
					for (const [what, read] of Object.entries(results)) {
						const held = read === null || read === refusal || read.startsWith('403 ');
						tally.expectRefused(held, `${page.what}: ${what}`, read);
					}
					tally.expectRefused((await written(target)) === before, `${page.what}: it wrote`);
				}
				// The control: a page of the hub itself can do it, so what is refused above is refused for its origin.
				const own = await attack({what: 'own', address: `${hub.url}/attacking-page`, hub: hub.url});
				for (const what of [
					'read /health',
					'read with a key in a header',
					'write with JSON, asked before',
					'a socket',
				]) {
					if (own[what] === null || own[what]?.startsWith('403'))
						tally.breach(`the control failed: ${what}: ${own[what]}`);
				}
			});
		} finally {
			await chromium.stop();
		}
	},
};

/** All that a page may have written, changed or deleted. */
async function written(target: Target): Promise<string> {
	return JSON.stringify(
		await target.owner(
			'select id, content as text, meta::text from messages union all select id, title, status from tasks',
		),
	);
}
