import {ruleFor, type ApprovalRule} from '../../mailbox/approval-rule.ts';
import type {Approval, Decision} from '../../mailbox/approval.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {p, printable} from '../../printable.ts';
import {linesScrolledBy} from '../model/card-keys.ts';
import type {DrawInput, Overlay, ScreenContext} from '../model/ui.ts';
import type {Span} from '../screen/strip.ts';
import {isApprovalAction, type ApprovalAction} from '../settings/actions.ts';
import type {Keymap} from '../settings/keymap.ts';
import {theme} from '../settings/theme.ts';
import {counted} from '../settings/words.ts';
import {box} from '../view/box.ts';
import {headLines, questionLines} from './lines.ts';
import {askForReason} from './reason.ts';

/** What answering needs besides the mailbox. */
export interface ApprovalContext extends ScreenContext {
	/** Keeps a rule for the agents of this home; absent where there is none. */
	readonly keepRule?: ((rule: ApprovalRule) => Promise<void>) | undefined;
}

/** Shows the requests for permission that wait, one at a time. */
export function openRequests(context: ApprovalContext): void {
	const {store, ui} = context;
	const [first] = store.getState().approvals;
	if (first === undefined) return ui.setState({notice: 'No agent asks for permission.'});
	show(context, first);
}

/**
 * A request stays on the screen until the human goes on: another one must not come under a finger that is about to answer. `top`: by
 * how many lines its input is scrolled. `ended`: what became of it.
 */
function show(context: ApprovalContext, shown: Approval, top = 0, ended: string | null = null): void {
	const {store, ui} = context;
	const overlay: Overlay = {
		status: () => [{text: p` PERMISSION`, style: theme.warnStrong}],
		draw(drawn) {
			const {lines, room} = measured(drawn, shown);
			const from = Math.max(0, Math.min(top, lines.length - room));
			const part = lines.slice(from, from + room);
			const waiting = drawn.state.approvals;
			const at = waiting.findIndex(({id}) => id === shown.id);
			const where = at === -1 || waiting.length === 1 ? '' : ` · ${at + 1} of ${waiting.length}`;
			const over =
				ended ?? (at === -1 ? 'It has been answered elsewhere, or nobody waits for the answer any more.' : null);
			const others = waiting.filter(({id}) => id !== shown.id).length;
			return box(
				drawn.ui,
				[
					...headLines(shown, where, drawn.now),
					[],
					...part,
					...(lines.length > room ? [hiddenLine(drawn.ui.keymap, lines.length - from - part.length)] : []),
					[],
					over === null ? keys(drawn.ui.keymap, others) : overKeys(drawn.ui.keymap, over, others),
				],
				drawn.ui.rows < 20,
			);
		},
		key(key) {
			const {keymap} = ui.getState();
			const action = keymap.actionOf('approvals', key);
			if (action !== undefined && isApprovalAction(action)) return act(action);
			const step = linesScrolledBy(keymap.actionOf('read', key));
			if (step !== undefined) {
				const {lines, room} = measured({state: store.getState(), ui: ui.getState(), now: Date.now()}, shown);
				return show(context, shown, Math.max(0, Math.min(lines.length - room, top + step)), ended);
			}
			const general = keymap.actionOf('read', key);
			if (general === 'back' || general === 'quit' || general === 'approvals') ui.setState({overlay: null});
		},
	};
	ui.setState({overlay});

	function act(action: ApprovalAction): void {
		if (action === 'approval_next' || action === 'approval_previous') return step(action === 'approval_next' ? 1 : -1);
		if (ended !== null || !store.getState().approvals.some(({id}) => id === shown.id)) return;
		switch (action) {
			case 'approval_allow':
				return decide({behavior: 'allow'});
			case 'approval_session':
				return decide({behavior: 'allow', session: true});
			case 'approval_always':
				return void always();
			case 'approval_deny':
				return askForReason(ui, shown, overlay, reason =>
					decide({behavior: 'deny', ...(reason === '' ? {} : {message: reason})}),
				);
		}
	}

	function step(by: number): void {
		const waiting = store.getState().approvals;
		const at = waiting.findIndex(({id}) => id === shown.id);
		const next = waiting[at === -1 ? 0 : (at + by + waiting.length) % waiting.length];
		if (next === undefined) return ui.setState({overlay: null});
		show(context, next);
	}

	function decide(decision: Decision, done = decision.behavior === 'allow' ? 'allowed' : 'denied'): void {
		show(context, shown, top, 'Sending your answer.');
		store.decide(shown, decision).then(
			() => over(`#${shown.id} is ${done}.`),
			(error: unknown) => over(error instanceof MailboxError ? error.sentence : String(error)),
		);
	}

	/** The next one is shown only when the human asks for it; with none left, there is nothing to stay for. */
	function over(sentence: string): void {
		const others = store.getState().approvals.filter(({id}) => id !== shown.id);
		if (others.length > 0) return show(context, shown, top, sentence);
		ui.setState({overlay: null, notice: printable(sentence)});
	}

	async function always(): Promise<void> {
		const {keepRule} = context;
		if (keepRule === undefined) return ui.setState({notice: 'Rules cannot be kept here.'});
		const rule = ruleFor(shown);
		try {
			await keepRule({rule, behavior: 'allow', tag: shown.tag, since: new Date().toISOString()});
		} catch (error) {
			return ui.setState({notice: printable(error instanceof MailboxError ? error.sentence : String(error))});
		}
		decide({behavior: 'allow'}, `allowed, and ${rule} is always allowed for ${shown.tag}`);
	}
}

/** All lines of a request's input, and for how many there is room. */
function measured({ui: {columns, rows}}: DrawInput, shown: Approval): {lines: Span[][]; room: number} {
	const width = Math.min(columns, 104) - 6;
	const lines = questionLines(shown, width);
	const room = Math.max(1, rows - (rows < 20 ? 9 : 12));
	return {lines, room};
}

function hiddenLine({keyFor}: Keymap, hidden: number): Span[] {
	return [
		hidden > 0
			? {text: p`${counted(hidden, 'more line')} · ${keyFor('down')}`, style: theme.warn}
			: {text: p`${keyFor('up')} ↑ back`, style: theme.grey},
	];
}

function keys(keymap: Keymap, others: number): Span[] {
	const hints = keymap.hints('approvals').filter(({hint}) => others > 0 || hint !== 'next');
	return hintSpans([...hints, {label: keymap.keyFor('back'), hint: p`later`}]);
}

function overKeys(keymap: Keymap, sentence: string, others: number): Span[] {
	const next = keymap.hints('approvals').filter(({hint}) => others > 0 && hint === 'next');
	return [
		{text: p`${printable(sentence)}   `, style: theme.warn},
		...hintSpans([...next, {label: keymap.keyFor('back'), hint: p`close`}]),
	];
}

function hintSpans(hints: ReturnType<Keymap['hints']>): Span[] {
	return hints.flatMap(({label, hint}, at): Span[] => [
		{text: p`${at === 0 ? '' : '   '}${label}`, style: theme.strong},
		{text: p` ${hint}`, style: theme.grey},
	]);
}
