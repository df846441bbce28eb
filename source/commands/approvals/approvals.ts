import {approvalTitle, sessionGrants, type Approval, type Decision} from '../../mailbox/approval.ts';
import {ruleFor} from '../../mailbox/approval-rule.ts';
import {MailboxError, UsageError} from '../../mailbox/error.ts';
import type {Json} from '../../mailbox/json.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {cutText} from '../../mailbox/text/excerpt.ts';
import {findPaths} from '../../paths.ts';
import {addRule} from '../../signing/approval-rules.ts';
import type {Command, Invocation} from '../cli/command.ts';
import {timeOf} from '../cli/message-text.ts';
import {remark, table, write, writeJson} from '../cli/output.ts';
import {checkFlags, unknownSubcommand} from '../cli/subcommand.ts';
import {countFlag, idWord, textFlag} from '../cli/values.ts';
import {withMailbox} from '../connect/connect.ts';
import {checkIsHuman} from '../connect/human-only.ts';
import {card, stateOf} from './card.ts';
import {changeRules, listRules, only} from './rules.ts';

const flagsOf = {
	list: ['all', 'lines'],
	show: [],
	allow: ['always', 'session', 'input'],
	deny: ['reason', 'interrupt'],
	rules: [],
	always: ['for'],
	never: ['for'],
	forget: ['for'],
} as const;

const command: Command = {
	summary: "answer agents' requests for permission: list, show, allow, deny, rules",
	help: `
		Answer what agents' clients ask their users before they run a tool. Claude Code shows its own question meanwhile: whoever
		answers first decides. Codex waits up to 20 seconds, and only while a screen or this command shows the request.

		Usage
		  agentmux approvals [list] [--all] [-n N]
		  agentmux approvals show ID
		  agentmux approvals allow ID [--always | --session] [--input JSON]
		  agentmux approvals deny ID [--reason TEXT] [--interrupt]
		  agentmux approvals rules
		  agentmux approvals always RULE [--for TAG]
		  agentmux approvals never RULE [--for TAG]
		  agentmux approvals forget RULE [--for TAG]

		  --all          also those that have ended, newest first
		  -n N           at most N of them (default 50)
		  --always       and make a rule that allows this agent exactly the same from now on
		  --session      and let the client allow what it suggests until its session ends (Claude Code); \`show\` says what that is
		  --input JSON   run the tool with this input instead (Claude Code)
		  --reason TEXT  why; the agent reads it
		  --interrupt    also stop the agent (Claude Code)
		  --for TAG      only for that agent
		  --json         print the row, or the rows as one JSON array

		An answer is signed over the request and the whole input that was shown. The agent's hook checks it with the keys that this
		home trusts: nothing that an agent or SQL writes counts.

		A rule names a tool, and in parentheses what it may be used for: the whole command, path or address (of other tools, the
		whole input as JSON), or its beginning and \`*\`. A command that goes on with signs of the shell, such as ; or |, does not
		fit a rule with \`*\`. Rules are kept in this home, for the agents of this machine; a rule that denies goes before one that
		allows.

		Examples
		  agentmux approvals allow 12
		  agentmux approvals deny 13 --reason "use the staging database"
		  agentmux approvals always "Bash(npm test)" --for REVIEWER
	`,
	flags: {
		json: {type: 'boolean'},
		all: {type: 'boolean'},
		lines: {type: 'string', shortFlag: 'n'},
		always: {type: 'boolean'},
		session: {type: 'boolean'},
		input: {type: 'string'},
		reason: {type: 'string'},
		interrupt: {type: 'boolean'},
		for: {type: 'string'},
	},
	async run(invocation) {
		const {input, flags, env} = invocation;
		const [name = 'list', ...words] = input;
		if (!isAction(name)) throw unknownSubcommand('approvals', name, Object.keys(flagsOf));
		checkFlags('approvals', name, flags, flagsOf);
		if (name === 'list') return list(invocation, words);
		if (name === 'show') return show(invocation, words);
		if (name === 'rules') return listRules(invocation, words);
		checkIsHuman(
			env,
			name === 'allow' || name === 'deny' ? 'only a human answers requests' : 'only a human makes rules',
		);
		if (name === 'allow' || name === 'deny') return decide(invocation, name, words);
		return changeRules(invocation, name, words);
	},
};

export default command;

function isAction(name: string): name is keyof typeof flagsOf {
	return Object.hasOwn(flagsOf, name);
}

async function list(invocation: Invocation, words: readonly string[]): Promise<void> {
	only(words, 0);
	const {flags, stdout, stderr} = invocation;
	const limit = countFlag(flags, 'lines') ?? 50;
	await withMailbox(invocation, {}, async mailbox => {
		const found = flags['all'] === true ? await mailbox.approvals.list({limit}) : await mailbox.approvals.waiting();
		if (flags['json'] === true) return writeJson(stdout, found);
		if (found.length === 0) return remark(stderr, flags['all'] === true ? 'No agent has asked yet.' : 'No agent asks.');
		const rows = found.map(approval => [
			`#${approval.id}`,
			timeOf(approval.asked_at),
			approval.tag,
			stateOf(approval),
			cutText(approvalTitle(approval), 80),
		]);
		await write(stdout, table(stdout, ['ID', 'ASKED', 'AGENT', 'STATE', 'WHAT'], rows));
	});
}

async function show(invocation: Invocation, [word, ...more]: readonly string[]): Promise<void> {
	only(more, 0);
	const id = idWord(word, 'request');
	const {flags, stdout} = invocation;
	await withMailbox(invocation, {}, async mailbox => {
		const approval = await mailbox.approvals.find(id);
		await (flags['json'] === true ? writeJson(stdout, approval) : write(stdout, card(approval)));
	});
}

async function decide(
	invocation: Invocation,
	behavior: 'allow' | 'deny',
	[word, ...more]: readonly string[],
): Promise<void> {
	only(more, 0);
	const id = idWord(word, 'request');
	const {flags, env, stdout} = invocation;
	if (flags['always'] === true && flags['session'] === true)
		throw new UsageError('Give either --always or --session.', 'A rule also applies to this session.');
	const decision = decisionIn(behavior, flags);
	await withMailbox(invocation, {}, async mailbox => {
		const decided = await answer(mailbox, id, decision);
		if (flags['always'] === true) {
			const rule = {rule: ruleFor(decided), behavior, tag: decided.tag, since: new Date().toISOString()};
			addRule(findPaths(env).data, rule);
			remark(invocation.stderr, `From now on ${decided.tag} may do ${rule.rule} without asking.`);
		}
		await (flags['json'] === true ? writeJson(stdout, decided) : write(stdout, card(decided)));
	});
}

async function answer(mailbox: Mailbox, id: number, decision: Decision): Promise<Approval> {
	const shown = await mailbox.approvals.find(id);
	if (decision.session === true && sessionGrants(shown.rules).length === 0) {
		throw new UsageError(
			`The client suggests nothing to allow for its session with request ${id}.`,
			'Leave out --session.',
		);
	}
	if (shown.state === 'waiting') return mailbox.approvals.decide(shown, decision);
	throw new MailboxError('conflict', `Request ${id} has ended: ${stateOf(shown)}.`, 'See `agentmux approvals`.');
}

function decisionIn(behavior: 'allow' | 'deny', flags: Invocation['flags']): Decision {
	if (behavior === 'deny') {
		const message = textFlag(flags, 'reason');
		return {
			behavior,
			...(message === undefined ? {} : {message}),
			...(flags['interrupt'] === true ? {interrupt: true} : {}),
		};
	}
	const text = textFlag(flags, 'input');
	return {
		behavior,
		...(text === undefined ? {} : {input: inputIn(text)}),
		...(flags['session'] === true ? {session: true} : {}),
	};
}

function inputIn(text: string): {readonly [name: string]: Json} {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === 'object' && value !== null && !Array.isArray(value))
			return value as {readonly [name: string]: Json};
	} catch {
		// Reported below.
	}
	throw new UsageError('--input is not a JSON object.', 'Example: --input \'{"command": "npm test"}\'');
}
