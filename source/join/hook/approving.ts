import type {Answer, Approval, Question} from '../../mailbox/approval.ts';
import {ruleThatAnswers, type ApprovalRule} from '../../mailbox/approval-rule.ts';
import type {Approver, HookRun} from './hand-over.ts';
import {actorOf} from './permission.ts';
import {isUnknownFunction, type Call} from './rpc.ts';

/** What a client is told to a request for permission. Only Claude Code knows more than the first two. */
export interface PermissionDecision {
	readonly behavior: 'allow' | 'deny';
	readonly message?: string;
	readonly interrupt?: true;
	readonly updatedInput?: object;
	readonly updatedPermissions?: readonly object[];
}

/** What asking humans needs besides the hook itself. */
export interface ApprovingOptions {
	/** The client's program. */
	readonly program: string;
	/** Seconds for which the client may be kept waiting; 0: it takes no answer. */
	readonly seconds: number;
	/** Whether the client shows its own question meanwhile. */
	readonly showsOwn: boolean;
	/** A new UUID, that nobody can foresee: an answer is signed for it. */
	readonly request: string;
	/** The rules of this home. Throws if they cannot be read. */
	readonly rules: () => readonly ApprovalRule[];
	/** Checks who signed the answer, and what for. Resolves with the answer, or why it does not count. */
	readonly check: (row: AnsweredRow, request: string, question: Question, call: Call) => Promise<Answer | string>;
	/** What the client says that it does (client-status.ts); null if it does not say. */
	readonly status: () => string | null;
	/** A connection to the mailbox as it is now: its hub may have been started again. */
	readonly reconnect: () => Promise<Call>;
	/** Ends the hook after that many seconds instead. */
	readonly extend: (seconds: number) => void;
	/** Called once when the client ends the hook: its user has answered, or has pressed Esc. */
	readonly onKill: (end: () => Promise<void>) => void;
	readonly log: (sentence: string) => void;
}

type LookedAt = AnsweredRow & Pick<Approval, 'state'> & {readonly attended_at: unknown};
export type AnsweredRow = Pick<Approval, 'answer' | 'signature' | 'decided_by'>;

/** Milliseconds between two looks: at first, and after the first minute. */
const lookPause = {early: 300, late: 1000} as const;
/** Seconds in which a screen must have shown the request, where the client shows no question of its own meanwhile. */
const attendTime = 3;
/** How long a hub may be away, in milliseconds. */
const outage = 60_000;

/**
 * Asks humans for the permission that an agent's client asks its user for, and waits for an answer. The database is not believed: an
 * answer counts if a human signed it for this request and this very input. With no answer, the client asks its user as ever.
 */
export class Approving implements Approver {
	readonly #options: ApprovingOptions;
	#call: Call | null = null;

	constructor(options: ApprovingOptions) {
		this.#options = options;
	}

	/** Rejects if the mailbox cannot be asked. */
	async run(work: HookRun): ReturnType<Approver['run']> {
		const {seconds, request, onKill, extend} = this.#options;
		const {input, client, tag, call} = work;
		const {tool_name: tool, tool_input: given = {}, cwd} = input;
		if (tool === null || client === null || seconds === 0) return 'unasked';
		const question = {tool, input: JSON.stringify(given), cwd: cwd ?? ''};
		const rule = this.#ruleFor(work, question);
		const asked = await this.#ask(work, question, rule);
		if (!asked) return 'unasked';
		if (rule !== undefined) {
			await say(work, {behavior: rule.behavior, ...(rule.behavior === 'deny' ? {message: denial(rule)} : {})});
			return 'answered';
		}
		this.#call = call;
		extend(seconds + 5);
		onKill(() => this.#end('terminal'));
		const row = await this.#wait(work);
		if (row === null) return 'over';
		const answer = await this.#options.check(row, request, question, this.#call);
		if (typeof answer === 'string') {
			this.#options.log(`the answer to the request of ${tag} was refused: ${answer}`);
			await this.#end('refused', answer);
			return 'over';
		}
		await say(work, decisionOf(answer, input.permission_suggestions));
		await this.#end('taken').catch(() => undefined);
		return 'answered';
	}

	#ruleFor({tag}: HookRun, question: Question): ApprovalRule | undefined {
		try {
			return ruleThatAnswers(this.#options.rules(), tag, question);
		} catch (error) {
			// Humans are asked instead.
			this.#options.log((error as Error).message);
			return undefined;
		}
	}

	/** Resolves with whether the database can do that. A request that cannot be recorded is not answered by a rule either. */
	async #ask(work: HookRun, question: Question, rule: ApprovalRule | undefined): Promise<boolean> {
		const {program, request, seconds} = this.#options;
		const {client, call, input} = work;
		const {permission_suggestions: rules} = input;
		const decided = rule && {p_state: rule.behavior === 'allow' ? 'allowed' : 'denied', p_reason: `rule ${rule.rule}`};
		try {
			await call('approval_ask', {
				p_request: request,
				p_session: client,
				p_client: program,
				p_tool: question.tool,
				p_input: question.input,
				p_cwd: question.cwd,
				p_rules: Array.isArray(rules) ? rules : [],
				p_seconds: seconds,
				...decided,
			});
			return true;
		} catch (error) {
			if (isUnknownFunction(error)) return false;
			throw error;
		}
	}

	/** Resolves with the row that has an answer; null if somebody else has answered, or nobody in time. */
	async #wait({session, input}: HookRun): Promise<AnsweredRow | null> {
		const actor = actorOf(input, session);
		const {seconds, showsOwn, status} = this.#options;
		const since = Date.now();
		let reached = since;
		let waited = false;
		for (;;) {
			const elapsed = Date.now() - since;
			await new Promise(resolve => {
				setTimeout(resolve, elapsed < 60_000 ? lookPause.early : lookPause.late);
			});
			// Claude Code says that it waits for its user from when it shows its question until that is answered.
			const now = status();
			if (now === 'waiting') waited = true;
			else if (waited && now !== null) return this.#over('terminal');
			// A later hook of the session has found that it goes on.
			if (!session.read().blocked.includes(actor)) return this.#over('terminal');
			const row = await this.#look();
			if (row !== null) reached = Date.now();
			else if (Date.now() - reached > outage) return null;
			if (row !== null && row.state !== 'waiting')
				return row.state === 'allowed' || row.state === 'denied' ? row : null;
			const isOver = elapsed > seconds * 1000;
			const isAlone = !showsOwn && elapsed > attendTime * 1000 && row?.attended_at === null;
			if (isOver || isAlone) return this.#over('expired');
		}
	}

	async #look(): Promise<LookedAt | null> {
		const {request, reconnect} = this.#options;
		try {
			this.#call ??= await reconnect();
			return (await this.#call('approval_look', {p_request: request})) as LookedAt;
		} catch {
			// Its hub may come back, at another address.
			this.#call = null;
			return null;
		}
	}

	/** An answer that comes now is too late. */
	async #over(state: 'terminal' | 'expired'): Promise<null> {
		await this.#end(state).catch(() => undefined);
		return null;
	}

	async #end(state: 'taken' | 'terminal' | 'expired' | 'refused', reason?: string): Promise<void> {
		this.#call ??= await this.#options.reconnect();
		await this.#call('approval_end', {
			p_request: this.#options.request,
			p_state: state,
			...(reason === undefined ? {} : {p_reason: reason}),
		});
	}
}

function denial({rule}: ApprovalRule): string {
	return `The human who works with you has a rule that denies ${rule}.`;
}

/** The client's form of an answer. `suggested`: the rules that the client itself suggests. */
function decisionOf(answer: Answer, suggested: unknown): PermissionDecision {
	const {behavior, message, interrupt, input, session} = answer;
	if (behavior === 'deny') {
		return {behavior, message: message ?? 'The human who works with you denied it.', ...(interrupt ? {interrupt} : {})};
	}
	const rules = session === true && Array.isArray(suggested) ? sessionRules(suggested) : [];
	return {
		behavior,
		...(input === undefined ? {} : {updatedInput: input}),
		...(rules.length === 0 ? {} : {updatedPermissions: rules}),
	};
}

/** The client's own suggestions, for its session alone: nothing is written to its settings. */
function sessionRules(suggested: readonly unknown[]): object[] {
	return suggested.flatMap(rule =>
		typeof rule === 'object' && rule !== null ? [{...rule, destination: 'session'}] : [],
	);
}

async function say({write, event}: HookRun, decision: PermissionDecision): Promise<void> {
	await write(`${JSON.stringify({hookSpecificOutput: {hookEventName: event, decision}})}\n`);
}
