import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {
	chmodSync,
	chownSync,
	cpSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {Home} from '../helpers/program.ts';
import type {Attack, Tally} from './attack.ts';

/** Files of a home that hold a secret, say where one is sent, or decide who may start. */
const files: readonly string[] = [
	'data/keys.json',
	'data/agents/CLAUDE_1.json',
	'state/hub.json',
	'data/hub.lock',
	'state/start.lock',
	'config.toml',
	'data/human-key.json',
];

/** What a neighbour could have put in its place. `beside`: a file outside that may be neither read as ours nor changed. */
const states: readonly (readonly [what: string, plant: (file: string, beside: string) => void])[] = [
	['a link to a file outside', (file, beside) => (rmSync(file, {force: true}), symlinkSync(beside, file))],
	['a link to nothing', (file, beside) => (rmSync(file, {force: true}), symlinkSync(`${beside}-none`, file))],
	['a hard link to a file outside', (file, beside) => (rmSync(file, {force: true}), linkSync(beside, file))],
	['a folder', file => (rmSync(file, {force: true}), mkdirSync(file))],
	['a FIFO', file => (rmSync(file, {force: true}), execFileSync('/bin/sh', ['-c', 'mkfifo "$1"', 'sh', file]))],
	['readable by all', file => chmodSync(file, 0o644)],
	['writable by all', file => chmodSync(file, 0o666)],
	['of another user', file => chownSync(file, 12345, 12345)],
];

export const homes: Attack = {
	name: 'homes',
	what: 'planted links, folders, pipes, owners and modes in the place of secrets, locks and state',
	async run({tally, long}) {
		const template = await Home.make();
		try {
			const folder = join(template.path, 'project');
			mkdirSync(folder);
			await template.output(['join', 'CLAUDE_1', '--dir', folder]);
			await template.output(['send', 'made once']);
			writeFileSync(join(template.path, 'config.toml'), '[identity]\n', {mode: 0o600});
			await template.output(['hub', 'stop']);
			const cases = files.flatMap((name, index) =>
				states.filter((_, at) => long || index === 0 || at % 6 === index - 1).map(state => [name, ...state] as const),
			);
			const queue = cases.filter(([, what]) => what !== 'of another user' || process.getuid?.() === 0);
			const work = async (): Promise<void> => {
				for (let next = queue.shift(); next !== undefined; next = queue.shift())
					await attempt(tally, template, ...next);
			};
			await Promise.all([work(), work()]);
			await folders(tally, template);
		} finally {
			await template.dispose();
		}
	},
};

async function attempt(
	tally: Tally,
	template: Home,
	name: string,
	what: string,
	plant: (file: string, beside: string) => void,
): Promise<void> {
	await inCopy(template, async home => {
		const file = join(home.path, name);
		const beside = join(home.path, '..', `${home.path.split('/').at(-1)}-beside`);
		// Whoever could make us take this file for ours would know our keys.
		writeFileSync(beside, readIfFile(file), {mode: 0o644});
		try {
			const {ino, mode} = statSync(beside);
			if (!existsAsFile(file)) writeFileSync(file, '', {mode: 0o600});
			plant(file, beside);
			const before = readFileSync(beside, 'utf8');
			const seen = `${name} is ${what}`;
			for (const words of [['tail'], ['send', 'still mine']]) {
				const cwd = name.includes('agents/') ? join(home.path, 'project') : home.path;
				const ended = await runBriefly(home, words, cwd);
				const wrong: string[] = [];
				const after = lstatSync(file, {throwIfNoEntry: false});
				const isOurs =
					after === undefined ||
					(after.isFile() && (after.mode & 0o077) === 0 && after.uid === process.getuid?.() && after.nlink === 1);
				const refused = ended.code !== 0 && ended.code !== null && /^agentmux: [^\n]+\n$/m.test(ended.stderr);
				if (!refused && !isOurs) wrong.push(`it is taken as it is (exit ${ended.code}: ${ended.stderr.slice(0, 200)})`);
				if (readFileSync(beside, 'utf8') !== before) wrong.push('the file outside was changed');
				if (statSync(beside).ino !== ino || statSync(beside).mode !== mode)
					wrong.push('the mode of the file outside was changed');
				if (wrong.length > 0) tally.breach(`${seen}: agentmux ${words.join(' ')}: ${wrong.join(', ')}`);
				else if (refused) tally.refuse();
				else tally.neutralise();
			}
		} finally {
			rmSync(beside, {force: true});
		}
	});
}

/** A command that never ends, like one that opens a FIFO, is killed and has no exit code. */
async function runBriefly(
	home: Home,
	words: readonly string[],
	cwd: string,
): Promise<{readonly code: number | null; readonly stderr: string}> {
	const child = home.start(words, {cwd});
	let stderr = '';
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
	child.stdout.resume();
	child.stdin.end();
	const timer = setTimeout(() => child.kill('SIGKILL'), 25_000);
	const [code] = (await once(child, 'close')) as [number | null];
	clearTimeout(timer);
	return {code, stderr};
}

/** Folders of the home that others may write to: closed, or refused. */
async function folders(tally: Tally, template: Home): Promise<void> {
	for (const name of ['data', 'state', 'data/agents']) {
		await inCopy(template, async home => {
			const folder = join(home.path, name);
			chmodSync(folder, 0o777);
			const {code, stderr} = await home.run(['tail']);
			const {mode} = statSync(folder);
			if (code !== 0) tally.refuse();
			else tally.expectHarmless((mode & 0o022) === 0, `${name} is writable by all`, stderr);
		});
	}
}

/** In a copy of the home, whose files know nothing of where they were. */
async function inCopy(template: Home, work: (home: Home) => Promise<void>): Promise<void> {
	const home = await Home.make();
	try {
		for (const name of ['data', 'state', 'config.toml', 'project']) {
			cpSync(join(template.path, name), join(home.path, name), {recursive: true, preserveTimestamps: true});
		}
		// The folder that the agent joined is this one now.
		const place = join(home.path, 'data/agents/CLAUDE_1.json');
		const text = readFileSync(place, 'utf8').replaceAll(template.path, home.path);
		writeFileSync(`${place}.new`, text, {mode: 0o600});
		renameSync(`${place}.new`, place);
		await work(home);
	} finally {
		// A refused home has a hub perhaps, which stops when its files are ours again.
		await runBriefly(home, ['hub', 'stop'], home.path);
		await stopHubOf(home);
		rmSync(home.path, {recursive: true, force: true, maxRetries: 5});
	}
}

/** By the process that its state names, where the command is refused. */
async function stopHubOf(home: Home): Promise<void> {
	try {
		const {pid} = JSON.parse(readIfFile(join(home.path, 'state/hub.json'))) as {pid: number};
		if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`AGENTMUX_HOME=${home.path}\0`))
			process.kill(pid, 'SIGKILL');
	} catch {
		// It has ended.
	}
}

function existsAsFile(path: string): boolean {
	return lstatSync(path, {throwIfNoEntry: false})?.isFile() === true;
}

function readIfFile(path: string): string {
	return existsAsFile(path) ? readFileSync(path, 'utf8') : '';
}
