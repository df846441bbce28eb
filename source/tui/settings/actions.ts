import {writeKey} from './key-name.ts';

/** One action of a scope, as it stands before anybody changes it. */
interface Row {
	/** As keyboard.ts names them, with blanks between them; the blank itself is `space`. */
	readonly keys: string;
	/** The action of the same scope that shares this one's line in the help. */
	readonly with?: string;
	/** How help and the last row write the keys; absent: the first two, or one of each of the actions that share the line. */
	readonly label?: string;
	/** One or two words for the last row; absent: only in the help. */
	readonly hint?: string;
	/** Fits beside its label into half of a small screen; absent where another line says it. */
	readonly help?: string;
}

/**
 * Every key there is, by the scope in which it means something. In the pane of tasks and on a task's card, `tasks` goes
 * before `read`; other cards, the help and questions are read with the keys of `read`. A `panel` has a line to type into and
 * a list to choose from: search, filter, palette, pickers.
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
		hide: {keys: 'H', help: 'hide it; its number: back'},
		pin: {keys: 'P', help: 'pin it to the screen'},
		down: {keys: 'j down', help: 'next message'},
		up: {keys: 'k up', hint: 'select', help: 'previous message'},
		half_down: {keys: '^d', with: 'half_up', help: 'half a page down, up'},
		half_up: {keys: '^u'},
		page_down: {keys: 'pagedown space', with: 'page_up', help: 'a page down, up'},
		page_up: {keys: 'pageup'},
		oldest: {keys: 'g home', label: 'g', help: 'oldest, and older ones'},
		newest: {keys: 'G end', label: 'G', help: 'newest, and follow'},
		open: {keys: 'enter', hint: 'thread', help: 'thread; in it: its task'},
		back: {keys: 'escape', help: 'back out of it'},
		compose: {keys: 'c', hint: 'write', help: 'write a message'},
		reply: {keys: 'r', hint: 'reply', help: 'reply, or edit what failed'},
		quote: {keys: 'R', help: 'reply, and quote it'},
		copy: {keys: 'y', label: 'y Y', help: 'copy its text, a link'},
		copy_link: {keys: 'Y'},
		open_link: {keys: 'o', help: 'open a link in it'},
		redact: {keys: 'x', help: 'redact it; asks'},
		acknowledge: {keys: 'a', help: 'mark it as done'},
		tag: {keys: '#', hint: 'tag', help: 'choose who you write as'},
		timeline: {keys: 'T', help: 'look back: the timeline'},
		search: {keys: '/', hint: 'search', help: 'search all of history'},
		filter: {keys: 'f', hint: 'filter', help: 'filter this pane'},
		hit_next: {keys: 'n', with: 'hit_previous', help: 'next hit, previous hit'},
		hit_previous: {keys: 'N'},
		palette: {keys: ': ^p', hint: 'commands', help: 'find and do anything'},
		redraw: {keys: '^l', help: 'redraw the screen'},
		mouse: {keys: 'm', help: 'mouse; shift-drag selects'},
		suspend: {keys: '^z', help: 'stop; the shell resumes it'},
		help: {keys: '?', hint: 'help', help: 'this help'},
		quit: {keys: 'q', hint: 'quit', help: 'quit; asks about a draft'},
		interrupt: {keys: '^c', label: '^c ^c', help: 'quit at once'},
	},
	compose: {
		send: {keys: 'enter', hint: 'send', help: 'send the message'},
		newline: {keys: '^j alt-enter', label: '^J', hint: 'line', help: 'a new line'},
		pick_tag: {keys: '# tab', hint: 'tag', help: 'choose who you write as'},
		edit_elsewhere: {keys: '^x', label: '^X', hint: 'editor', help: 'write it in $EDITOR'},
		search_sent: {keys: '^r', label: '^R', help: 'search what was sent'},
		leave: {keys: 'escape', hint: 'back', help: 'back; the draft stays'},
		redraw: {keys: '^l'},
		suspend: {keys: '^z'},
		interrupt: {keys: '^c', label: '^c ^c'},
	},
	tasks: {
		open: {keys: 'enter', hint: 'open', help: 'open the task'},
		task_add: {keys: 'n', hint: 'add', help: 'add one (also /task)'},
		task_cancel: {keys: 'x', hint: 'cancel', help: 'cancel it; asks'},
		task_retry: {keys: 'R', hint: 'retry', help: 'try what failed again'},
		task_assign: {keys: 'A', hint: 'assign', help: 'for one agent alone'},
		task_up: {keys: '+', label: '+ -', hint: 'priority', help: 'more, less urgent'},
		task_down: {keys: '-'},
		task_message: {keys: 'o', hint: 'message', help: 'where it was asked for'},
	},
	timeline: {
		timeline_earlier: {keys: 'h left', with: 'timeline_later', hint: 'select', help: 'earlier, later one'},
		timeline_later: {keys: 'l right'},
		timeline_lane_below: {keys: 'j down', with: 'timeline_lane_above', help: 'lane below, above'},
		timeline_lane_above: {keys: 'k up'},
		timeline_half_earlier: {keys: '^u pageup', with: 'timeline_half_later', help: 'half a screen back, on'},
		timeline_half_later: {keys: '^d pagedown', label: '^d'},
		timeline_zoom_in: {keys: '+ =', with: 'timeline_zoom_out', hint: 'zoom', help: 'zoom in, out'},
		timeline_zoom_out: {keys: '- _', label: '-'},
		timeline_step_back: {keys: ',', with: 'timeline_step_on', hint: 'step', help: 'one event back, on'},
		timeline_step_on: {keys: '.'},
		timeline_jump_back: {keys: '<', with: 'timeline_jump_on', help: 'a tenth of the screen'},
		timeline_jump_on: {keys: '>'},
		timeline_play: {keys: 'space', hint: 'play', help: 'play, pause'},
		timeline_speed: {keys: 's', hint: 'speed', help: '1, 10, 60 times as fast'},
		timeline_first: {keys: 'g home', label: 'g', help: 'the oldest that is read'},
		timeline_present: {keys: 'G end', label: 'G', hint: 'now', help: 'now, and go with it'},
		timeline_open: {keys: 'enter', hint: 'open', help: 'open it in its pane'},
		timeline_close: {keys: 'escape T', label: 'esc', hint: 'back', help: 'back to now, then out'},
		help: {keys: '?', hint: 'help'},
		redraw: {keys: '^l'},
		quit: {keys: 'q'},
		interrupt: {keys: '^c', label: '^c ^c'},
	},
	panel: {
		panel_take: {keys: 'enter tab', label: 'enter', hint: 'take', help: 'open it, or run it'},
		panel_next: {keys: 'down ^n', with: 'panel_previous', hint: 'choose', help: 'next, previous in the list'},
		panel_previous: {keys: 'up ^p', label: '↑'},
		panel_page_next: {keys: 'pagedown', with: 'panel_page_previous', help: 'some on, some back'},
		panel_page_previous: {keys: 'pageup'},
		panel_close: {keys: 'escape', hint: 'back', help: 'back, as it was'},
		suspend: {keys: '^z'},
		interrupt: {keys: '^c', label: '^c ^c'},
	},
} satisfies {readonly [scope: string]: {readonly [action: string]: Row}};

export type KeyScope = keyof typeof table;

export type Action = {[Scope in KeyScope]: keyof (typeof table)[Scope]}[KeyScope];

/** What is done to the chosen task. */
export type TaskAction = Extract<Action, `task_${string}`>;
/** What keys do in the timeline alone. */
export type TimelineAction = Extract<Action, `timeline_${string}`>;
/** What keys do where one types to find something. */
export type PanelAction = Extract<Action, `panel_${string}`>;

export function isTaskAction(action: Action): action is TaskAction {
	return action.startsWith('task_');
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
	/** Empty where another line says it. */
	readonly help: string;
	/** The action of which this line speaks as well. */
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

/** How a line writes its keys: two of them, or one of each of the two actions that it speaks of. */
export function labelOf(keys: readonly string[], partner?: readonly string[]): string {
	const shown = partner === undefined ? keys.slice(0, 2) : [...keys.slice(0, 1), ...partner.slice(0, 1)];
	return shown.map(writeKey).join(' ');
}
