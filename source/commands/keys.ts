import {loadConfig, type Config} from '../config.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {isPublicKey} from '../mailbox/signature.ts';
import {p, printable} from '../printable.ts';
import {humanKey, renewKey} from '../signing/human-key.ts';
import {forgetKey, readTrust, trustKey} from '../signing/trusted-keys.ts';
import type {Command, Invocation} from './cli/command.ts';
import {identify, workingFolder} from './connect/identity.ts';
import {timeOf} from './cli/message-text.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {keyStoreOf} from './connect/signatures.ts';
import {checkFlags, unknownSubcommand} from './cli/subcommand.ts';
import {tagFlag} from './cli/values.ts';

const actions = ['list', 'show', 'trust', 'forget', 'new'] as const;

const command: Command = {
	summary: 'manage the keys that sign what humans write',
	help: `
		What a human writes with agentmux is signed. Messages are shown as \`signed\` if the key is yours or one that you trust.
		The list of trusted keys is kept in this home; nothing in the database can add to it.

		Usage
		  agentmux keys [list] [--json]           list your key and those that you trust
		  agentmux keys show                      print your public key, for others to trust
		  agentmux keys trust KEY [--as TAG]      trust KEY for what TAG writes (default: your own tag)
		  agentmux keys forget KEY                stop trusting it
		  agentmux keys new                       make a new key; what the old one signed stays signed

		  --as TAG      the owner of the key
		  --json        print a JSON array

		Example
		  agentmux keys trust 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo --as ANNA
	`,
	flags: {as: {type: 'string'}, json: {type: 'boolean'}},
	async run(invocation) {
		const [word = 'list', ...words] = invocation.input;
		const action = actions.find(name => name === word);
		if (action === undefined) {
			throw unknownSubcommand('keys', word, actions);
		}
		checkFlags('keys', action, invocation.flags, {trust: ['as']});
		const config = await loadConfig({env: invocation.env});
		if (action !== 'list') await refuseAgents(invocation, config);
		if (action === 'trust' || action === 'forget') return change(invocation, config, action, words);
		if (words.length > 0) throw new UsageError(`Unexpected argument \`${words[0]}\`.`, 'See `agentmux keys --help`.');
		return action === 'list' ? list(invocation, config) : own(invocation, config, action);
	},
};

export default command;

/** Only the human manages keys. Rejects with MailboxError `forbidden` in an agent's shell or folder. */
async function refuseAgents({env, stdin, stderr}: Invocation, config: Config): Promise<void> {
	const isTerminal = stderr.isTTY || stdin.isTTY;
	const {kind, tag} = await identify(config, {env, cwd: workingFolder(env), isTerminal});
	if (kind === 'human') return;
	const sentence = `Here you act as ${tag}, and only a human can make or trust keys.`;
	throw new MailboxError('forbidden', sentence, 'Run this in your own terminal.');
}

async function list({flags, stdout, stderr}: Invocation, {paths: {data}, keyStore}: Config): Promise<void> {
	const {own, others} = readTrust(data);
	const keys = [
		...(own === null ? [] : [{key: own, tag: null, since: null, kept_in: keyStore}]),
		...others.map(other => ({...other, kept_in: null})),
	];
	if (flags['json'] === true) return writeJson(stdout, keys);
	if (keys.length === 0) return remark(stderr, 'There is no key yet. One is created when you first write something.');
	const rows = keys.map(({key, tag, since, kept_in}) => [
		key,
		tag ?? `yours (${kept_in})`,
		since === null ? '' : timeOf(since),
	]);
	return write(stdout, table(stdout, ['KEY', 'OWNER', 'TRUSTED SINCE'], rows));
}

async function own({env, stdout, stderr}: Invocation, config: Config, action: 'show' | 'new'): Promise<void> {
	const store = await keyStoreOf(config, env);
	const {x} = action === 'show' ? await humanKey(store) : await renewKey(store, config.human, new Date());
	if (action === 'new') remark(stderr, 'This is your new key; give it to those who trusted the old one.');
	return write(stdout, p`${printable(x)}\n`);
}

async function change(
	{flags, stdout}: Invocation,
	config: Config,
	action: 'trust' | 'forget',
	[key = '', ...more]: readonly string[],
): Promise<void> {
	const {data} = config.paths;
	if (more.length > 0) throw new UsageError(`Unexpected argument \`${more[0]}\`.`, 'Give only one key.');
	if (!isPublicKey(key)) {
		throw new UsageError(
			key === '' ? 'No key given.' : `\`${key}\` is not a key.`,
			'A key has 43 characters; `agentmux keys show` prints it on the other machine.',
		);
	}
	if (action === 'trust') {
		if (key === readTrust(data).own) throw new UsageError('That is your own key, which is already trusted.');
		const tag = tagFlag(flags, 'as') ?? config.human;
		trustKey(data, key, tag, new Date());
		return write(stdout, p`${printable(key)} is now trusted for what ${printable(tag)} writes.\n`);
	}
	if (!forgetKey(data, key)) {
		const remedy = '`agentmux keys` lists the trusted keys; `agentmux keys new` replaces your own.';
		throw new MailboxError('not_found', 'That key is not trusted.', remedy);
	}
	return write(stdout, p`${printable(key)} is no longer trusted.\n`);
}
