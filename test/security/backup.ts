import {existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hostile, unprintableIn} from '../fixtures/hostile.ts';
import {withEntries, type Entry} from './archive.ts';
import type {Attack, Tally} from './attack.ts';
import type {Target} from './target.ts';

const planted = 'planted by a backup';

/** What is put into a backup that somebody sends. `OUT` is a folder beside the home. */
const archives: readonly (readonly [what: string, entries: readonly Entry[]])[] = [
	['a path that leads out', [{name: '../../../OUT/planted', content: planted}]],
	['an absolute path', [{name: 'OUT/planted', content: planted}]],
	[
		'a symbolic link out, and a file through it',
		[
			{name: 'pg/way', type: '2', link: 'OUT'},
			{name: 'pg/way/planted', content: planted},
		],
	],
	[
		'a symbolic link in the place of the data',
		[
			{name: 'pg', type: '2', link: 'OUT'},
			{name: 'pg/planted', content: planted},
		],
	],
	['a hard link to a secret', [{name: 'pg/stolen', type: '1', link: 'OUT/secret'}]],
	['a symbolic link to a secret', [{name: 'pg/stolen', type: '2', link: 'OUT/secret'}]],
	['a device', [{name: 'pg/device', type: '3', mode: 0o666}]],
	['a FIFO', [{name: 'pg/pipe', type: '6'}]],
	['a program with setuid', [{name: 'pg/setuid', mode: 0o6777, content: planted}]],
	[
		'a folder that all may write to',
		[
			{name: 'pg/open', type: '5', mode: 0o1777},
			{name: 'pg/open/file', mode: 0o666, content: planted},
		],
	],
	['files of another user', [{name: 'pg/owned', uid: 12345, mode: 0o666, content: planted}]],
	['recovery.signal', [{name: 'pg/recovery.signal', content: ''}]],
	['standby.signal', [{name: 'pg/standby.signal', content: ''}]],
	[
		'settings that run a program',
		[
			{
				name: 'pg/postgresql.auto.conf',
				content: "archive_mode = on\narchive_command = 'touch OUT/planted'\nrestore_command = 'touch OUT/planted'\n",
			},
		],
	],
	[
		'keys of another home',
		[
			{name: '../keys.json', content: '{"jwt_secret": "known"}'},
			{name: 'keys.json', content: '{"jwt_secret": "known"}'},
		],
	],
	[
		'a second manifest',
		[
			{
				name: 'agentmux.json',
				content: '{"format": "agentmux-backup-1", "postgres": "99\\u001b[2J", "agentmux": "\\u001b]0;x\\u0007"}',
			},
		],
	],
];

export const backup: Attack = {
	name: 'backup',
	what: 'backups that somebody sends: links, paths, modes, settings, hostile contents',
	async run({targets, tally, long}) {
		await targets.alone('PGlite', async target => {
			const {home} = target;
			await target.ask(
				target.hub.tokenFor('HOSTILE'),
				'POST',
				'/rest/v1/messages',
				hostile.map(text => ({content: `[HOSTILE] hostile ${text}`})),
			);
			const out = join(home.path, 'beside');
			mkdirSync(out);
			writeFileSync(join(out, 'secret'), 'a secret', {mode: 0o600});
			const good = join(home.path, 'good.tar.gz');
			await home.output(['hub', 'backup', good]);
			await target.hub.stop({keep: true});
			const keys = readFileSync(join(home.path, 'data/keys.json'), 'utf8');
			const bytes = readFileSync(good);
			for (const [index, [what, entries]] of archives.entries()) {
				for (const where of long
					? (['before', 'behind'] as const)
					: [index % 2 === 0 ? ('behind' as const) : ('before' as const)]) {
					const file = join(home.path, `hostile-${index}-${where}.tar.gz`);
					const resolved = entries.map(each => ({
						...each,
						name: into(each.name, out),
						link: into(each.link ?? '', out),
						content: into(each.content ?? '', out),
					}));
					writeFileSync(file, withEntries(bytes, resolved, where));
					await restore({target, tally, long, out, keys}, `${what}, ${where}`, file);
				}
			}
			// The control: an unchanged backup is restored, and its contents are shown as text.
			const said = await home.run(['hub', 'restore', good]);
			if (said.code !== 0) tally.breach(`the control failed: ${said.stderr}`);
			const {stdout} = await home.run(['tail', '-n', '200']);
			const found = unprintableIn(stdout);
			tally.expectHarmless(
				found.length === 0 && stdout.includes('hostile'),
				`what came back prints ${found.join(' ')}`,
				stdout,
			);
		});
	},
};

function into(text: string, out: string): string {
	return text.replaceAll('OUT', text.startsWith('../') ? 'beside' : out);
}

interface Scene {
	readonly target: Target;
	readonly tally: Tally;
	readonly long: boolean;
	readonly out: string;
	readonly keys: string;
}

async function restore({target, tally, long, out, keys}: Scene, what: string, file: string): Promise<void> {
	const {home} = target;
	const {code, stderr, stdout} = await home.run(['hub', 'restore', file]);
	const wrong: string[] = [];
	if (existsSync(join(out, 'planted')) || existsSync(join(home.path, 'planted'))) wrong.push('it wrote outside');
	if (readFileSync(join(home.path, 'data/keys.json'), 'utf8') !== keys) wrong.push('it changed the keys');
	if (readFileSync(join(out, 'secret'), 'utf8') !== 'a secret' || lstatSync(join(out, 'secret')).nlink > 1)
		wrong.push('it took the secret');
	wrong.push(...loose(join(home.path, 'data/pg')));
	if (unprintableIn(stderr + stdout).length > 0) wrong.push(`it prints ${unprintableIn(stderr + stdout).join(' ')}`);
	if (code === 0 && long) {
		const after = await home.run(['tail', '-n', '200']);
		if (!after.stdout.includes('hostile')) wrong.push(`the mailbox is not served: ${after.stderr}`);
		await home.run(['hub', 'stop']);
	}
	if (wrong.length > 0) tally.breach(`${what}: ${wrong.join(', ')} (exit ${code}: ${stderr.slice(0, 200)})`);
	else if (code === 0) tally.neutralise();
	else tally.refuse();
}

/** What is in the data directory and should not be. */
function loose(folder: string): string[] {
	const found: string[] = [];
	for (const entry of readdirSync(folder, {withFileTypes: true, recursive: true})) {
		const path = join(entry.parentPath, entry.name);
		const {mode, uid} = lstatSync(path);
		if (!entry.isFile() && !entry.isDirectory()) found.push(`${path} is a link or a device`);
		else if ((mode & 0o7022) !== 0) found.push(`${path} has the mode ${(mode & 0o7777).toString(8)}`);
		if (uid !== process.getuid?.()) found.push(`${path} is another user's`);
		if (/(recovery|standby)\.signal$/.test(path)) found.push(`${path} is there`);
	}
	return found.slice(0, 3);
}
