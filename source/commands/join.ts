import {realpath, stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import {loadConfig} from '../config.ts';
import {isUnderGit} from '../join/above.ts';
import {claude, clients, type Client} from '../join/clients.ts';
import {diffLines} from '../join/diff.ts';
import {applyAll, checkWritable, type Edit} from '../join/file-edit.ts';
import {planFolder, planPlace} from '../join/folder.ts';
import {placeFile, readPlace} from '../join/place-file.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {nearest} from '../mailbox/nearest.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {printable} from '../printable.ts';
import type {Command} from './command.ts';
import {hookDoor, withMailbox, type HookDoor} from './connect.ts';
import {calledAs, findHook, findLauncher, shellWord} from './launcher.ts';
import {remark, write} from './output.ts';
import {atWork, checkFree} from './taken.ts';
import {agentTag, textFlag} from './values.ts';

const command: Command = {
	summary: 'let the agent in a folder take part',
	help: `
		Set a folder up so that the agent started there takes part as TAG. What else these files hold stays.

		  servers    its mailbox (\`agentmux\`) and the stock Supabase MCP server (\`supabase\`)
		  hooks      hand over new mail while it works, and tell the others what it does
		  guidance   a section that says so to the agent

		            servers                 hooks                   guidance
		  claude    .mcp.json               .claude/settings.json   CLAUDE.md
		  codex     .codex/config.toml      .codex/hooks.json       AGENTS.md
		  gemini    .gemini/settings.json   .gemini/settings.json   GEMINI.md

		The client takes its hooks from the folder that it is started in, and from none above it (but Codex from all of a git
		repository). A subfolder and a git worktree are folders of their own: join each that a client is started in, under a
		tag of its own.

		Usage
		  agentmux join TAG [--client CLIENT] [--dir DIR] [--role ROLE] [--force] [--print]

		  --client CLIENT   claude (when absent), codex or gemini; several with commas between
		  --dir DIR         the folder (the current one when absent)
		  --role ROLE       what this agent does, for the others to see
		  --force           also where another folder has the tag already, or in your home folder
		  --print           show what would change, and change nothing

		Examples
		  agentmux join CLAUDE_1 --dir ~/project --role "writes the parser"
		  agentmux join CLAUDE_TWIN --dir ~/project-twin
		  agentmux join REVIEWER --client codex --dir ~/project-review
	`,
	flags: {
		client: {type: 'string'},
		dir: {type: 'string'},
		role: {type: 'string'},
		force: {type: 'boolean'},
		print: {type: 'boolean'},
	},
	async run(invocation) {
		const {input, flags, env, stdout, stderr} = invocation;
		const [word, ...more] = input;
		if (more.length > 0) throw new UsageError('One tag at a time.', 'See `agentmux join --help`.');
		const tag = agentTag(word, 'the tag to join as');
		const chosen = chosenClients(textFlag(flags, 'client') ?? claude.id);
		const role = textFlag(flags, 'role');
		const folder = await existingFolder(resolve(textFlag(flags, 'dir') ?? '.'));
		const {target, places, ...own} = await loadConfig({env});
		if (own.kind === 'human' && sameTag(tag, own.tag)) {
			throw new UsageError(`${tag} is what you are called (${places.config}).`, 'Take another tag: CLAUDE_1.');
		}
		if (flags['force'] !== true) await checkFree(places.data, folder, tag);
		const edits = await planFolder(folder, tag, await findLauncher(env), findHook(env), chosen);
		const changes = edits.some(({before, after}) => before !== after);
		const remarks = [
			...edits.flatMap(edit => edit.remarks),
			...(changes && isUnderGit(folder) ? [unversioned(folder, tag)] : []),
		];
		for (const sentence of remarks) remark(stderr, sentence);
		const beside = `Beside them, for you alone to read: ${placeFile(places.data, tag)}, from which its hooks know the way.`;
		if (flags['print'] === true) {
			return write(stdout, `${edits.map(preview).join('')}${printable(beside)}\n`);
		}
		await checkWritable(edits);
		// First the row, then the files: when the hub cannot be reached, nothing has changed.
		const former = readPlace(places.data, tag);
		await withMailbox(invocation, {as: tag, kind: 'agent'}, async mailbox => {
			const elsewhere = former === null ? atWork(tag, await mailbox.agents(), Date.now()) : null;
			if (elsewhere !== null) remark(stderr, elsewhere);
			await mailbox.touch(role === undefined ? {} : {role});
		});
		const door = await hookDoor(invocation, tag, former?.token ?? null);
		await applyAll([await planPlace(places.data, folder, edits, {tag, ...door}), ...edits]);
		const what = changes ? 'has its place in' : 'had its place already in';
		return write(
			stdout,
			[
				`${tag} ${what} ${printable(folder)}: ${chosen.flatMap(filesOf).join(', ')}.`,
				...(target.kind === 'supabase' ? hosted(target.url, door, tag) : []),
				...chosen.flatMap(client => start(client, folder, chosen.length > 1)),
				'Watch, and join in:',
				`  ${calledAs(env)}`,
				'',
			].join('\n'),
		);
	},
};

export default command;

/** Its real path: one folder has one name. */
async function existingFolder(folder: string): Promise<string> {
	const found = await stat(folder).catch(() => null);
	if (found?.isDirectory() === true) return realpath(folder);
	throw new MailboxError('not_found', `There is no folder ${folder}.`, 'Make it, or name another with --dir DIR.');
}

function unversioned(folder: string, tag: Tag): string {
	return `${folder} is under git: what join writes there is for this machine and for ${tag} alone. Do not commit it: a clone or worktree that has it would speak as ${tag} too.`;
}

/** The clients of `--client`. Throws UsageError for one that there is not. */
function chosenClients(text: string): Client[] {
	const words = text.split(',').map(word => word.trim().toLowerCase());
	const found = clients.filter(({id}) => words.includes(id));
	const unknown = words.find(word => !found.some(({id}) => id === word));
	if (unknown === undefined) return found;
	const ids = clients.map(({id}) => id);
	const near = nearest(unknown, ids);
	throw new UsageError(
		`There is no client \`${unknown}\`.`,
		`${near === null ? '' : `Did you mean ${near}? `}It is one of ${ids.join(', ')}.`,
	);
}

function filesOf({servers, hooks, guidance}: Client): string[] {
	return [...new Set([servers, hooks, guidance])];
}

function start({name, program, consent, inherits}: Client, folder: string, several: boolean): string[] {
	const whose = several ? `the terminal of ${name}` : 'its terminal';
	const below = inherits ? '' : ' (in a folder below, its hooks would not run)';
	return [
		`Start ${whose} there${below}, and ${consent} when it asks:`,
		`  cd ${printable(shellWord(folder))} && ${program}`,
	];
}

/** What is different without the hub, which makes a token for each agent. */
function hosted(url: string, {key}: HookDoor, tag: Tag): string[] {
	return [
		`Its mailbox is at ${printable(url)}. No token of its own is made there: what ${tag} writes shows as unverified.`,
		key === null
			? 'Start both where SUPABASE_URL and its key are set: no file holds them, and without them its hooks hand over no mail.'
			: 'Its hooks use the key of the config file, which was copied for them, for you alone to read.',
	];
}

function preview({file, before, after}: Edit): string {
	const lines = diffLines(before ?? '', after ?? '');
	if (lines.length === 0) return `${printable(file)} stays as it is.\n`;
	return [`${printable(file)}${before === null ? ' (new)' : ''}`, ...lines.map(printable), ''].join('\n');
}
