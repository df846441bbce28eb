import path from 'node:path';
import {loadConfig, type Target} from '../config.ts';
import {runningClients} from '../join/clients/running-client.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';
import {createMailboxStore} from '../store/mailbox-store.ts';
import type {ProgramCommand} from '../tui/model/palette.ts';
import type {Command, Invocation} from './cli/command.ts';
import type {openMailbox} from './connect/connect.ts';
import {calledAs} from './cli/called.ts';
import {remark} from './cli/output.ts';
import {watchDisarmed} from './screen/watch-disarmed.ts';
import {watchSights} from './screen/watch-sights.ts';
import {openScreenMemory, screenFile} from './screen/screen-file.ts';

type Commands = () => Promise<readonly ProgramCommand[]>;

/** The command that opens the screen. `commands`: the other commands, for the palette. */
export const tui = (commands: Commands): Command => ({
	summary: 'open the screen',
	help: `
	agentmux: every channel of the mailbox live in panes, with its tasks, and a line to write into them

	Usage
	  agentmux [--as TAG]

	  If stdout is not a terminal, print a snapshot of channels, messages, tasks and agents instead.

	Flags
	  --as TAG     your tag (default AGENTMUX_TAG, else HUMAN)

	Examples
	  agentmux
	  agentmux | less
	`,
	flags: {as: {type: 'string'}},
	async run(invocation) {
		const as = typeof invocation.flags['as'] === 'string' ? invocation.flags['as'] : undefined;
		// A dumb terminal cannot move the cursor.
		const {env, stdout} = invocation;
		// An agent also gets the snapshot, even if its client gives it a terminal.
		const isScreen = stdout.isTTY && env['TERM'] !== 'dumb' && runningClients(env).length === 0;
		if (isScreen) await showScreen(invocation, as, commands);
		else await printSnapshot(invocation, as);
	},
});

/** Draws the first frame before it loads anything that talks to a mailbox. */
async function showScreen(
	{env, stdin, stdout, stderr}: Invocation,
	as: string | undefined,
	commands: Commands,
): Promise<void> {
	const {target, paths, tag, file, warnings} = await loadConfig({flags: {as}, env});
	const name = target.kind === 'hub' ? 'local hub' : new URL(target.url).host;
	const {startTui, readPreferences} = await import('../tui/run/start.tsx');
	const preferences = readPreferences(file, env);
	const odd = [...warnings, ...preferences.warnings];
	// Printed before the screen, so that it is visible again after the screen is closed.
	for (const warning of odd) remark(stderr, warning);
	const opening = Promise.withResolvers<Mailbox>();
	const store = createMailboxStore(opening.promise);
	await startTui({
		store,
		name,
		memory: await openScreenMemory(screenFile(paths.state, target.kind === 'hub' ? 'hub' : name, tag)),
		stdin,
		stdout,
		env,
		program: calledAs(env),
		commands,
		preferences,
		...(odd.length > 0 && {notice: briefly(odd, file.path)}),
		keepIn: path.join(paths.state, 'compose', mailboxFolder(target, tag)),
		async keepRule(rule) {
			const {addRule} = await import('../signing/approval-rules.ts');
			addRule(paths.data, rule);
		},
		watchDisarmed: listener => watchDisarmed(paths.data, listener),
		watchSights: listener => watchSights(opening.promise, () => store.getState().agents.values(), listener),
		onFirstFrame(say) {
			void import('./screen/small-heap.ts').then(({keepHeapSmall}) => keepHeapSmall());
			opening.resolve(open({env, stderr}, {as, kind: 'human', say}));
		},
	});
	// Do not wait long for unsent messages: the user was asked about them before quitting.
	await Promise.race([store.close(), new Promise(resolve => setTimeout(resolve, 500))]);
	// Exit, because the sockets of supabase-js outlive their channels by ten seconds.
	process.exit();
}

/** Short enough for one line of the screen: the first warning, with the file's name instead of its path, and how many more. */
function briefly([first = '', ...more]: readonly string[], file: string): string {
	const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
	return `${first.replaceAll(file, path.basename(file))}${others}`;
}

/** A draft belongs to a mailbox and to the tag that it was written under. */
function mailboxFolder(target: Target, tag: Tag): string {
	const where = target.kind === 'hub' ? 'hub' : new URL(target.url).host;
	return `${where.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.${foldTag(tag)}`;
}

type Open = typeof openMailbox;

async function open(surroundings: Parameters<Open>[0], opening: Parameters<Open>[1]): Promise<Mailbox> {
	const {openMailbox} = await import('./connect/connect.ts');
	return openMailbox(surroundings, opening);
}

async function printSnapshot(invocation: Invocation, as: string | undefined): Promise<void> {
	const {remarkFailedHooks} = await import('./cli/failed-hooks.ts');
	remarkFailedHooks(invocation);
	const [{snapshot}, mailbox] = await Promise.all([import('./screen/snapshot.ts'), open(invocation, {as})]);
	try {
		await snapshot(mailbox, invocation.stdout, calledAs(invocation.env));
	} finally {
		await mailbox.close();
	}
}
