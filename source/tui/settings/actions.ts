import {writeKey} from './key-name.ts';

/** One action of a scope, with its default keys. */
interface Row {
	/** Key names of keyboard.ts, separated by blanks; the blank itself is `space`. */
	readonly keys: string;
	/** An action of the same scope that shares this one's line in the help. */
	readonly with?: string;
	/** How help and status line show the keys; absent: the first two, or the first of each action that shares the line. */
	readonly label?: string;
	/** One or two words for the status line; absent: only in the help. */
	readonly hint?: string;
	/** With its label it must fit into half of a small screen; absent if another line says it. */
	readonly help?: string;
}

/**
 * Every key, by the scope in which it has a meaning. In the tasks pane and on a task's card, `tasks` takes precedence over
 * `read`; other cards, the help and questions use the keys of `read`. A `panel` has an input line and a list: search,
 * filter, palette, pickers.
 */
const table = {
	read: {
		focus_next: {keys: 'tab', hint: 'pane', help: 'next pane'},
		focus_previous: {keys: 'shift-tab', help: 'previous pane'},
		focus_number: {keys: '1 2 3 4 5 6 7 8 9 0', label: '0-9', help: 'pane by its number'},
		focus_left: {keys: 'h left', with: 'focus_right', help: 'pane left, right'},
		focus_right: {keys: 'l right', label: 'l'},
		focus_tasks: {keys: 't', help: 'tasks'},
		next_unread: {keys: 'u', help: 'next pane with unread'},
		zoom: {keys: '+', with: 'unzoom', help: 'pane alone, and back'},
		unzoom: {keys: '_'},
		move_left: {keys: '<', with: 'move_right', help: 'move the pane'},
		move_right: {keys: '>'},
		hide: {keys: 'H', help: 'hide; its number shows it'},
		pin: {keys: 'P', help: 'keep it on the screen'},
		down: {keys: 'j down', help: 'next message'},
		up: {keys: 'k up', hint: 'select', help: 'previous message'},
		half_down: {keys: '^d', with: 'half_up', help: 'half a page down, up'},
		half_up: {keys: '^u'},
		page_down: {keys: 'pagedown space', with: 'page_up', help: 'a page down, up'},
		page_up: {keys: 'pageup'},
		oldest: {keys: 'g home', label: 'g', help: 'oldest, and older ones'},
		newest: {keys: 'G end', label: 'G', help: 'newest, and follow it'},
		open: {keys: 'enter', hint: 'thread', help: 'thread; inside, its task'},
		back: {keys: 'escape', help: 'back out of it'},
		compose: {keys: 'c', hint: 'write', help: 'write a message'},
		reply: {keys: 'r', hint: 'reply', help: 'reply, or edit if failed'},
		quote: {keys: 'R', help: 'reply, and quote it'},
		copy: {keys: 'y', label: 'y Y', help: 'copy its text, link to it'},
		copy_link: {keys: 'Y'},
		open_link: {keys: 'o', help: 'open a link in it'},
		redact: {keys: 'x', help: 'redact it; asks'},
		acknowledge: {keys: 'a', help: 'mark it as done'},
		approvals: {keys: 'p', help: 'what agents ask to do'},
		undamp: {keys: 'U', help: 'wake damped agents again'},
		tag: {keys: '#', hint: 'tag', help: 'choose who you write as'},
		timeline: {keys: 'T', help: 'timeline of the past'},
		search: {keys: '/', hint: 'search', help: 'search all of history'},
		filter: {keys: 'f', hint: 'filter', help: 'filter the pane'},
		hit_next: {keys: 'n', with: 'hit_previous', help: 'next hit, previous hit'},
		hit_previous: {keys: 'N'},
		palette: {keys: ': ^p', hint: 'commands', help: 'find any command'},
		redraw: {keys: '^l', help: 'redraw the screen'},
		mouse: {keys: 'm', help: 'mouse; shift-drag selects'},
		suspend: {keys: '^z', help: 'suspend; `fg` resumes'},
		help: {keys: '?', hint: 'help', help: 'this help'},
		quit: {keys: 'q', hint: 'quit', help: 'quit; asks about a draft'},
		interrupt: {keys: '^c', label: '^c ^c', help: 'quit without asking'},
	},
	compose: {
		send: {keys: 'enter', hint: 'send', help: 'send the message'},
		newline: {keys: '^j alt-enter', label: '^J', hint: 'line', help: 'a new line'},
		pick_tag: {keys: '# tab', hint: 'tag', help: 'choose who you write as'},
		edit_elsewhere: {keys: '^x', label: '^X', hint: 'editor', help: 'write it in $EDITOR'},
		search_sent: {keys: '^r', label: '^R', help: 'search sent messages'},
		leave: {keys: 'escape', hint: 'back', help: 'back; the draft stays'},
		redraw: {keys: '^l'},
		suspend: {keys: '^z'},
		interrupt: {keys: '^c', label: '^c ^c'},
	},
	tasks: {
		open: {keys: 'enter', hint: 'open', help: 'open the task'},
		task_add: {keys: 'n', hint: 'add', help: 'add one (also /task)'},
		task_cancel: {keys: 'x', hint: 'cancel', help: 'cancel it; asks'},
		task_retry: {keys: 'R', hint: 'retry', help: 'retry a failed task'},
		task_assign: {keys: 'A', hint: 'assign', help: 'assign to one agent'},
		task_up: {keys: '+', label: '+ -', hint: 'priority', help: 'more, less urgent'},
		task_down: {keys: '-'},
		task_message: {keys: 'o', hint: 'message', help: 'the message asking for it'},
	},
	timeline: {
		timeline_earlier: {keys: 'h left', with: 'timeline_later', hint: 'select', help: 'earlier, later one'},
		timeline_later: {keys: 'l right'},
		timeline_lane_below: {keys: 'j down', with: 'timeline_lane_above', help: 'lane below, above'},
		timeline_lane_above: {keys: 'k up'},
		timeline_half_earlier: {keys: '^u pageup', with: 'timeline_half_later', help: 'half a screen back, forward'},
		timeline_half_later: {keys: '^d pagedown', label: '^d'},
		timeline_zoom_in: {keys: '+ =', with: 'timeline_zoom_out', hint: 'zoom', help: 'zoom in, out'},
		timeline_zoom_out: {keys: '- _', label: '-'},
		timeline_step_back: {keys: ',', with: 'timeline_step_on', hint: 'step', help: 'one event back, forward'},
		timeline_step_on: {keys: '.'},
		timeline_jump_back: {keys: '<', with: 'timeline_jump_on', help: 'a tenth of the screen'},
		timeline_jump_on: {keys: '>'},
		timeline_play: {keys: 'space', hint: 'play', help: 'play, pause'},
		timeline_speed: {keys: 's', hint: 'speed', help: '1, 10, 60 times as fast'},
		timeline_first: {keys: 'g home', label: 'g', help: 'the oldest event loaded'},
		timeline_present: {keys: 'G end', label: 'G', hint: 'now', help: 'now, and follow it'},
		timeline_open: {keys: 'enter', hint: 'open', help: 'open it in its pane'},
		timeline_close: {keys: 'escape T', label: 'esc', hint: 'back', help: 'back to now, then close'},
		help: {keys: '?', hint: 'help'},
		redraw: {keys: '^l'},
		quit: {keys: 'q'},
		interrupt: {keys: '^c', label: '^c ^c'},
	},
	approvals: {
		approval_allow: {keys: 'y', hint: 'allow', help: 'allow it, this once'},
		approval_deny: {keys: 'n', hint: 'deny', help: 'deny it, with a reason'},
		approval_session: {keys: 's', hint: 'session', help: 'allow the like in its session'},
		approval_always: {keys: 'A', hint: 'always', help: 'always allow exactly this'},
		approval_next: {keys: 'tab', with: 'approval_previous', hint: 'next', help: 'next, previous request'},
		approval_previous: {keys: 'shift-tab'},
	},
	panel: {
		panel_take: {keys: 'enter tab', label: 'enter', hint: 'select', help: 'open or run it'},
		panel_next: {keys: 'down ^n', with: 'panel_previous', hint: 'choose', help: 'next, previous in the list'},
		panel_previous: {keys: 'up ^p', label: '↑'},
		panel_page_next: {keys: 'pagedown', with: 'panel_page_previous', help: 'a page down, up'},
		panel_page_previous: {keys: 'pageup'},
		panel_close: {keys: 'escape', hint: 'back', help: 'close without a change'},
		suspend: {keys: '^z'},
		interrupt: {keys: '^c', label: '^c ^c'},
	},
} satisfies {readonly [scope: string]: {readonly [action: string]: Row}};

export type KeyScope = keyof typeof table;

export type Action = {[Scope in KeyScope]: keyof (typeof table)[Scope]}[KeyScope];

/** Actions on the selected task. */
export type TaskAction = Extract<Action, `task_${string}`>;
/** Actions on a request for permission. */
export type ApprovalAction = Extract<Action, `approval_${string}`>;
/** Actions that only the timeline has. */
export type TimelineAction = Extract<Action, `timeline_${string}`>;
/** Actions of panels. */
export type PanelAction = Extract<Action, `panel_${string}`>;

export function isTaskAction(action: Action): action is TaskAction {
	return action.startsWith('task_');
}

export function isApprovalAction(action: Action): action is ApprovalAction {
	return action.startsWith('approval_');
}

export function isTimelineAction(action: Action): action is TimelineAction {
	return action.startsWith('timeline_');
}

export function isPanelAction(action: Action): action is PanelAction {
	return action.startsWith('panel_');
}

export interface Binding extends Pick<Row, 'hint'> {
	readonly action: Action;
	readonly scope: KeyScope;
	readonly keys: readonly string[];
	readonly label: string;
	/** Empty if another line says it. */
	readonly help: string;
	/** The other action that this line describes. */
	readonly with?: Action;
}

/** The table as a list, in its order. */
export const defaultBindings: readonly Binding[] = Object.entries(table).flatMap(([scope, rows]) => {
	const listed = Object.entries<Row>(rows).map(([action, row]) => ({action, row, keys: keysOf(row)}));
	return listed.map(({action, row, keys}): Binding => {
		const partner = listed.find(each => each.action === row.with);
		return {
			action: action as Action,
			scope: scope as KeyScope,
			keys,
			label: row.label ?? labelOf(keys, partner?.keys),
			help: row.help ?? '',
			...(row.hint !== undefined && {hint: row.hint}),
			...(row.with !== undefined && {with: row.with as Action}),
		};
	});
});

function keysOf({keys}: Row): readonly string[] {
	return keys.split(' ').map(key => (key === 'space' ? ' ' : key));
}

/** How a line shows its keys: two of them, or the first of each if it describes two actions. */
export function labelOf(keys: readonly string[], partner?: readonly string[]): string {
	const shown = partner === undefined ? keys.slice(0, 2) : [...keys.slice(0, 1), ...partner.slice(0, 1)];
	return shown.map(writeKey).join(' ');
}
