import type {MailboxStore} from '../../store/mailbox-store.ts';
import {composeKey, composePaste, composeType} from '../compose/keys.ts';
import {createFinder} from '../find/finder.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {ComposeContext} from '../model/draft.ts';
import type {Layout} from '../model/layout.ts';
import type {ProgramCommand} from '../model/palette.ts';
import type {UiStore} from '../model/ui.ts';
import {rememberLastLooks} from '../model/unread.ts';
import {keepFocusVisible} from '../panes/jump-list.ts';
import {releaseFollowed} from '../panes/load-shown.ts';
import {focusPane} from '../panes/pane-keys.ts';
import {actionHere} from '../tasks/task-keys.ts';
import type {Input} from '../terminal/keyboard.ts';
import type {Platform} from '../terminal/platform.ts';
import {perform, type ActionContext} from './actions.ts';
import {createPointer, type MouseReport} from './mouse.ts';
import {createInterrupt} from './quit.ts';
import {createSeenMarker} from './seen.ts';

export interface Controller {
	/** Handles a key, typed or pasted text, or a click. */
	input(input: Input | MouseReport): void;
	/** Marks the focused pane as read up to the newest message that it shows. */
	markSeen(): void;
	readonly layout: () => Layout;
}

export interface ControllerOptions {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Redraws the whole screen (^L). */
	readonly redraw: () => void;
	/** Stops the program and gives the terminal back to the shell (^Z). */
	readonly suspend: () => void;
	/** The glyphs in a row of the screen, one per column. */
	readonly rowOf: (y: number) => readonly string[];
	readonly quit: () => void;
	/** Absent where there is no terminal to lend to an editor. */
	readonly editElsewhere?: ComposeContext['editElsewhere'];
	/** The commands of the program in a shell, for the palette; default none. */
	readonly commands?: () => Promise<readonly ProgramCommand[]>;
	/** Absent where there is no terminal. */
	readonly platform?: Platform;
	/** Keeps a rule that answers requests for permission; absent where there is nowhere to keep it. */
	readonly keepRule?: ActionContext['keepRule'];
	/** Whether unsent messages and the draft are kept for the next start; default false. */
	readonly keeps?: boolean;
}

/** Passes input to the part that has the keyboard focus: an overlay, the timeline, the compose line, or a pane. */
export function createController(options: ControllerOptions): Controller {
	const {store, ui, suspend, rowOf} = options;
	const context = contextOf(options);
	rememberLastLooks({store, ui});
	keepFocusVisible(ui);
	releaseFollowed({store, ui});

	function press(key: string): void {
		const {mode, overlay, notice, timeline, keymap} = ui.getState();
		if (notice !== null && key !== 'escape') ui.setState({notice: null});
		if (keymap.actionOf(mode, key) === 'suspend') return suspend();
		if (overlay !== null) {
			return keymap.actionOf('panel', key) === 'interrupt' ? context.interrupt() : overlay.key(key);
		}
		if (timeline !== null || mode === 'read') {
			const action = actionHere(context, key);
			return action === undefined ? undefined : perform(context, action, key);
		}
		const action = keymap.actionOf('compose', key);
		if (action === 'redraw' || action === 'interrupt') return perform(context, action);
		composeKey(context, key);
	}

	function paste(text: string): void {
		const {overlay, timeline} = ui.getState();
		if (overlay !== null) overlay.paste?.(text);
		else if (timeline === null) composePaste(context, text);
	}

	function type(text: string): void {
		const {mode, overlay} = ui.getState();
		// `#` at the start of an empty message opens the tag picker, which gets the rest.
		if (mode === 'compose' && overlay === null && !text.startsWith('#')) return composeType(context, text);
		// Keys that are typed fast arrive as one text.
		for (const character of text) press(character);
	}

	const pointer = createPointer({
		store,
		ui,
		rowOf,
		act: {
			focus: context.focus,
			open: () => perform(context, 'open'),
			press,
			compose: () => perform(context, 'compose'),
		},
	});

	return {
		layout: () => layoutOf(ui.getState()),
		markSeen: createSeenMarker({store, ui}),
		input(input) {
			switch (input.type) {
				case 'mouse':
					return pointer(input);
				case 'key':
					return press(input.key);
				case 'paste':
					return paste(input.text);
				case 'text':
					return type(input.text);
			}
		},
	};
}

function contextOf(options: ControllerOptions): ActionContext {
	const {store, ui, redraw, suspend, quit} = options;
	const {editElsewhere = null, platform = null, keeps = false, keepRule, commands = async () => []} = options;
	const interrupt = createInterrupt({ui, quit});
	const focus: ActionContext['focus'] = pane => focusPane({store, ui}, pane);
	const surface = {store, ui, editElsewhere, platform, focus};
	const finder = createFinder({
		store,
		ui,
		focus,
		context: surface,
		act: action => perform(context, action),
		commands,
	});
	const context: ActionContext = {...surface, finder, keeps, keepRule, redraw, suspend, quit, interrupt};
	return context;
}
